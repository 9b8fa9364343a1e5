using Raft.Consensus;

namespace Raft.Node.Ports;

/// <summary>The durable log of one member. Called from the node's loop only.</summary>
public interface IWriteAheadLog
{
    /// <summary>
    /// Starts to make the write durable and returns at once. Writes become durable in the order of the calls; many waiting
    /// ones share one sync (group commit). <paramref name="completed"/> is called once, from any thread, when the write is on
    /// disk, or with the error for which it never will be: the log takes nothing more after an error.
    /// </summary>
    void Append(LogWrite write, Action<LogWrite, Exception?> completed);

    /// <summary>Entries up to and including this one are in the durable state and may be deleted, whenever convenient.</summary>
    void DiscardUpTo(EntryId last);
}

/// <summary>What one output of the core has to make durable, all or nothing.</summary>
/// <param name="Sequence">As in <see cref="Output.PersistSequence"/>.</param>
/// <param name="HardState">New hard state, or null if unchanged.</param>
/// <param name="Entries">
/// To append, contiguous. An entry at an index that the log holds already replaces it and all that follow.
/// </param>
/// <param name="Snapshot">If not null: the log starts anew after this entry, and what it held is void.</param>
public sealed record LogWrite(ulong Sequence, HardState? HardState, IReadOnlyList<LogEntry> Entries, EntryId? Snapshot);

/// <summary>What a log held when it was opened.</summary>
/// <param name="HardState">The last one written; default if none ever was.</param>
/// <param name="Base">The entry before the first kept.</param>
/// <param name="Entries">All entries after it, contiguous.</param>
public sealed record RecoveredLog(HardState HardState, EntryId Base, IReadOnlyList<LogEntry> Entries);
