using System.Text;

namespace Raft.Consensus.Tests;

/// <summary>One member with a disk that remembers exactly what was synced, and a state machine that is a list of words.</summary>
internal sealed class Member
{
    private readonly Func<MemberId, ConsensusOptions> _options;
    private readonly Queue<Output> _writes = new();
    private readonly List<LogEntry> _durableLog = [];
    private readonly SortedDictionary<ulong, string> _applied = [];
    private readonly Configuration _bootConfiguration;
    private HardState _durableState;
    private EntryId _durableBase;
    private Configuration _baseConfiguration;
    private SortedDictionary<ulong, string> _baseState = [];

    public Member(MemberId id, Configuration configuration, Func<MemberId, ConsensusOptions> options)
    {
        Id = id;
        _options = options;
        _bootConfiguration = _baseConfiguration = configuration;
        Module = Start();
    }

    public MemberId Id { get; }

    public ConsensusModule Module { get; private set; }

    public bool IsUp { get; private set; } = true;

    /// <summary>Whether writes become durable as soon as they are handed out; otherwise <see cref="Sync"/> does it.</summary>
    public bool SyncsAtOnce { get; set; } = true;

    public int WritesUnderWay => _writes.Count;

    public List<ReleasedRead> Reads { get; } = [];

    public List<ulong> DroppedReads { get; } = [];

    /// <summary>Commands applied, in order, no-ops and changes left out.</summary>
    public IEnumerable<string> Words => _applied.Values;

    /// <summary>The whole log as "index@term" words.</summary>
    public IEnumerable<string> DurableLog => _durableLog.Select(entry => entry.Id.ToString());

    /// <summary>Every entry applied since the last start, as "index@term".</summary>
    public List<string> AppliedIds { get; } = [];

    public HardState DurableState => _durableState;

    public ConsensusStatus Status => Module.Status;

    /// <summary>Does all that the module wants done at this moment, and gives the messages to send.</summary>
    public List<Message> Work()
    {
        var messages = new List<Message>();
        while (IsUp && Module.HasOutput)
        {
            var output = Module.TakeOutput();
            messages.AddRange(output.Messages);
            if (output.PersistSequence != 0)
                _writes.Enqueue(output);
            if (SyncsAtOnce)
                Sync(int.MaxValue);
            foreach (var entry in output.Committed)
                Apply(entry);
            Reads.AddRange(output.ReleasedReads);
            DroppedReads.AddRange(output.DroppedReads);
        }

        return messages;
    }

    /// <summary>Makes the oldest writes durable, in order, and says so.</summary>
    public void Sync(int writes)
    {
        for (; writes > 0 && _writes.TryDequeue(out var output); writes--)
        {
            Write(output);
            Module.Persisted(output.PersistSequence);
        }
    }

    /// <summary>Makes the oldest write durable and dies before anybody is told.</summary>
    public void SyncAndCrash()
    {
        Write(_writes.Dequeue());
        Crash();
    }

    /// <summary>Starts anew with a disk that holds this: how a test sets a stage.</summary>
    public void RestartWith(HardState state, params ReadOnlySpan<ulong> termsOfEntries)
    {
        Crash();
        _durableState = state;
        _durableLog.Clear();
        foreach (var term in termsOfEntries)
        {
            var id = new EntryId(new Term(term), new LogIndex((ulong)_durableLog.Count + 1));
            _durableLog.Add(new LogEntry(id, EntryKind.Command, Cluster.Bytes(id.ToString())));
        }

        Restart();
    }

    public void Crash()
    {
        IsUp = false;
        _writes.Clear();
    }

    public void Restart()
    {
        _applied.Clear();
        foreach (var (index, word) in _baseState)
            _applied[index] = word;
        Module = Start();
        IsUp = true;
    }

    /// <summary>Saves the state and forgets the log that led to it.</summary>
    public void Compact(LogIndex upTo)
    {
        var at = _durableLog.Single(entry => entry.Id.Index == upTo);
        _baseConfiguration = Module.Status.Configuration;
        _baseState = new(_applied.Where(word => word.Key <= upTo.Value).ToDictionary());
        _durableBase = at.Id;
        _durableLog.RemoveAll(entry => entry.Id.Index <= upTo);
        Module.Compact(upTo);
    }

    /// <summary>What a snapshot of this member holds: its whole applied state.</summary>
    public (SnapshotMetadata Metadata, SortedDictionary<ulong, string> State) TakeSnapshot()
    {
        var status = Module.Status;
        var last = status.Applied == _durableBase.Index
            ? _durableBase
            : _durableLog.Single(entry => entry.Id.Index == status.Applied).Id;
        return (new SnapshotMetadata(last, status.Configuration), new(_applied));
    }

    public void ReceiveSnapshotData(SortedDictionary<ulong, string> state) => _received = state;

    private SortedDictionary<ulong, string>? _received;

    private void Write(Output output)
    {
        if (output.InstallSnapshot is { } snapshot)
        {
            _durableBase = snapshot.Last;
            _baseConfiguration = snapshot.Configuration;
            _baseState = _received!;
            _durableLog.Clear();
            _applied.Clear();
            foreach (var (index, word) in _baseState)
                _applied[index] = word;
        }

        if (output.HardState is { } state)
            _durableState = state;
        if (output.Entries is [var first, ..])
        {
            _durableLog.RemoveAll(entry => entry.Id.Index >= first.Id.Index);
            _durableLog.AddRange(output.Entries);
        }
    }

    private void Apply(LogEntry entry)
    {
        AppliedIds.Add(entry.Id.ToString());
        if (entry.Kind == EntryKind.Command && !entry.Data.IsEmpty)
            _applied[entry.Id.Index.Value] = Encoding.UTF8.GetString(entry.Data.Span);
        Module.Applied(entry.Id.Index);
    }

    private ConsensusModule Start() => new(
        _options(Id),
        new RecoveredState(
            _durableState,
            _durableBase,
            [.. _durableLog],
            _durableBase.Index,
            _durableBase == EntryId.Zero ? _bootConfiguration : _baseConfiguration));
}
