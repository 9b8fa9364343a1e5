using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Simulation.Tests.Disks;

/// <summary>What a log holds, as a plain list: the model that the real log is held to.</summary>
internal sealed class LogImage
{
    private readonly List<LogEntry> _entries;

    public LogImage(RecoveredLog log)
    {
        (HardState, Base) = (log.HardState, log.Base);
        _entries = [.. log.Entries];
    }

    public HardState HardState { get; private set; }

    /// <summary>The entry before the first that is kept.</summary>
    public EntryId Base { get; private set; }

    public EntryId Last => _entries.Count > 0 ? _entries[^1].Id : Base;

    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <summary>Entries at or below the base count as held: their effect is in the state.</summary>
    public bool Holds(EntryId id) => id.Index <= Base.Index || At(id.Index)?.Id == id;

    public LogEntry? At(LogIndex index) =>
        index > Base.Index && index <= Last.Index ? _entries[(int)(index.Value - Base.Index.Value) - 1] : null;

    /// <summary>The entry before an index, or the base.</summary>
    public EntryId Before(LogIndex index) => At(index.Previous)?.Id ?? Base;

    public void Write(LogWrite write)
    {
        HardState = write.HardState ?? HardState;
        if (write.Snapshot is { } snapshot)
        {
            _entries.Clear();
            Base = snapshot;
        }

        if (write.Entries is [var first, ..])
        {
            var kept = (int)(first.Id.Index.Value - Base.Index.Value) - 1;
            _entries.RemoveRange(kept, _entries.Count - kept);
            _entries.AddRange(write.Entries);
        }
    }

    public void DiscardUpTo(EntryId last)
    {
        if (last.Index <= Base.Index)
            return;
        _entries.RemoveRange(0, (int)Math.Min((ulong)_entries.Count, last.Index.Value - Base.Index.Value));
        Base = last;
    }
}
