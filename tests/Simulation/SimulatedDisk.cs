using Raft.Consensus;

namespace Raft.Simulation.Tests;

/// <summary>A member's applied state, as far as it matters here: how far it is, and a hash over all that led to it.</summary>
internal sealed record StateImage(EntryId Last, ulong Hash, Configuration Configuration)
{
    /// <summary>How every cluster starts: as if entry 1 of term 1 had made the first members.</summary>
    public static StateImage Initial(Configuration configuration) =>
        new(new EntryId(new Term(1), new LogIndex(1)), 1, configuration);

    public static StateImage Blank { get; } = new(EntryId.Zero, 0, Configuration.Empty);
}

/// <summary>
/// A disk that keeps what was synced. A crash loses the writes under way from some point on: those before it had just reached
/// the disk, without anybody having been told.
/// </summary>
internal sealed class SimulatedDisk
{
    private readonly Queue<Output> _underWay = new();
    private readonly List<LogEntry> _entries = [];
    private HardState _hardState;
    private EntryId _base;

    public SimulatedDisk(StateImage image)
    {
        Image = image;
        _base = image.Last;
        _hardState = new HardState(image.Last.Term, MemberId.None, image.Last.Index);
    }

    /// <summary>The state as last flushed.</summary>
    public StateImage Image { get; private set; }

    public HardState HardState => _hardState;

    public int WritesUnderWay => _underWay.Count;

    public bool Holds(EntryId id) =>
        id.Index <= _base.Index
        || (id.Index.Value - _base.Index.Value <= (ulong)_entries.Count && EntryAt(id.Index).Id == id);

    public void Begin(Output output) => _underWay.Enqueue(output);

    /// <summary>Makes the oldest write under way durable and gives its sequence.</summary>
    public ulong CompleteOldest()
    {
        var output = _underWay.Dequeue();
        Write(output);
        return output.PersistSequence;
    }

    /// <summary>A snapshot replaces the state at once, before the log hears of it.</summary>
    public void Install(StateImage image) => Image = image;

    /// <summary>Flushes the applied state, which the log must hold.</summary>
    public void Flush(StateImage image)
    {
        SafetyChecker.Holds(
            image.Last == Image.Last || Holds(image.Last), "Durable before applied", $"the state holds {image.Last}, which the log on disk does not");
        Image = image;
    }

    public void DiscardUpTo(LogIndex index)
    {
        if (index <= _base.Index)
            return;
        var id = EntryAt(index).Id;
        _entries.RemoveRange(0, (int)(index.Value - _base.Index.Value));
        _base = id;
    }

    public void Crash(SeededRandom random)
    {
        for (var survivors = random.Below(_underWay.Count + 1); survivors > 0; survivors--)
            Write(_underWay.Dequeue());
        _underWay.Clear();
    }

    /// <summary>Log and state put together as the node does it: a state that the log does not reach is a snapshot's.</summary>
    public RecoveredState Recover()
    {
        var last = _entries.Count > 0 ? _entries[^1].Id : _base;
        if (Image.Last.Index > last.Index || !Holds(Image.Last))
        {
            var term = _hardState.Term > Image.Last.Term ? _hardState.Term : Image.Last.Term;
            var vote = term == _hardState.Term ? _hardState.Vote : MemberId.None;
            _hardState = new HardState(term, vote, Image.Last.Index);
            _base = Image.Last;
            _entries.Clear();
        }

        return new RecoveredState(_hardState, _base, [.. _entries], Image.Last.Index, Image.Configuration);
    }

    private LogEntry EntryAt(LogIndex index) => _entries[(int)(index.Value - _base.Index.Value) - 1];

    private void Write(Output output)
    {
        if (output.InstallSnapshot is { } snapshot)
        {
            _base = snapshot.Last;
            _entries.Clear();
        }

        if (output.HardState is { } state)
            _hardState = state;
        if (output.Entries is [var first, ..])
        {
            var kept = (int)(first.Id.Index.Value - _base.Index.Value) - 1;
            _entries.RemoveRange(kept, _entries.Count - kept);
            _entries.AddRange(output.Entries);
        }
    }
}
