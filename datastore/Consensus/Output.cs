namespace Raft.Consensus;

/// <summary>
/// What the core wants done, taken with <see cref="ConsensusModule.TakeOutput"/>. The order of the fields is the order of
/// work, with one freedom that matters for speed: <see cref="Messages"/> may leave while the write is still under way,
/// because the core holds back by itself every message that promises something not yet durable.
/// </summary>
public sealed record Output
{
    /// <summary>
    /// Grows by one with every output that has something to persist; hand it to <see cref="ConsensusModule.Persisted"/> once
    /// all of this output is durable. 0: nothing to persist.
    /// </summary>
    public ulong PersistSequence { get; init; }

    /// <summary>Replace the log and the state by this snapshot, whose data has been received already. Null: no.</summary>
    public SnapshotMetadata? InstallSnapshot { get; init; }

    /// <summary>Persist, if not null.</summary>
    public HardState? HardState { get; init; }

    /// <summary>Append to the durable log. An entry at an index that the log holds replaces it and all that follow.</summary>
    public IReadOnlyList<LogEntry> Entries { get; init; } = [];

    /// <summary>Send now.</summary>
    public IReadOnlyList<Message> Messages { get; init; } = [];

    /// <summary>Committed and locally durable: apply, in order, then call <see cref="ConsensusModule.Applied"/>.</summary>
    public IReadOnlyList<LogEntry> Committed { get; init; } = [];

    /// <summary>Reads whose round a quorum confirmed: answer each once its index is applied.</summary>
    public IReadOnlyList<ReleasedRead> ReleasedReads { get; init; } = [];

    /// <summary>Reads that cannot be served because leadership was lost: fail or forward them.</summary>
    public IReadOnlyList<ulong> DroppedReads { get; init; } = [];
}

/// <summary>A linearizable read that may be answered once <paramref name="Index"/> is applied (Raft thesis, section 6.4).</summary>
/// <param name="Context">As given to <see cref="ConsensusModule.RequestRead"/>.</param>
/// <param name="Index">Commit index when the read was asked for.</param>
public readonly record struct ReleasedRead(ulong Context, LogIndex Index);
