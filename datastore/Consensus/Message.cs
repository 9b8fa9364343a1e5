namespace Raft.Consensus;

/// <summary>What a message asks or answers. Numbers travel between versions: never reuse one.</summary>
public enum MessageKind : byte
{
    /// <summary>Would you vote for me? (PreVote, Raft thesis, section 9.6.)</summary>
    PreVoteRequest = 1,

    /// <summary>Answer to <see cref="PreVoteRequest"/>.</summary>
    PreVoteResponse = 2,

    /// <summary>RequestVote (Raft paper, section 5.2).</summary>
    VoteRequest = 3,

    /// <summary>Answer to <see cref="VoteRequest"/>.</summary>
    VoteResponse = 4,

    /// <summary>AppendEntries (Raft paper, section 5.3).</summary>
    AppendRequest = 5,

    /// <summary>Answer to <see cref="AppendRequest"/> and <see cref="SnapshotRequest"/>.</summary>
    AppendResponse = 6,

    /// <summary>I still lead; carries the commit index that the receiver may use and the newest read round.</summary>
    HeartbeatRequest = 7,

    /// <summary>Answer to <see cref="HeartbeatRequest"/>; confirms the read round it names.</summary>
    HeartbeatResponse = 8,

    /// <summary>InstallSnapshot (Raft paper, section 7). The data travels beside the message.</summary>
    SnapshotRequest = 9,

    /// <summary>Campaign at once, without waiting (leadership transfer, Raft thesis, section 3.10).</summary>
    TimeoutNow = 10,
}

/// <summary>One message between members. Which fields mean something depends on the kind.</summary>
public sealed record Message
{
    /// <summary>What it asks or answers.</summary>
    public required MessageKind Kind { get; init; }

    /// <summary>Who sends it.</summary>
    public MemberId From { get; init; }

    /// <summary>Who shall get it.</summary>
    public required MemberId To { get; init; }

    /// <summary>The sender's term; in a pre-vote request, the term that it would campaign in.</summary>
    public Term Term { get; init; }

    /// <summary>
    /// Append request: the entry before <see cref="Entries"/>. Vote requests: the candidate's last entry.
    /// Append response: the index up to which the logs agree; if rejected, the index that did not match.
    /// </summary>
    public EntryId Log { get; init; }

    /// <summary>
    /// Append and heartbeat requests: the leader's commit index. Their answers: the commit index that the sender has on disk.
    /// </summary>
    public LogIndex Commit { get; init; }

    /// <summary>Vote and append responses: no.</summary>
    public bool Reject { get; init; }

    /// <summary>Rejected append: where the logs may still agree, so that a conflict costs one round a term (section 5.3).</summary>
    public EntryId Hint { get; init; }

    /// <summary>
    /// Heartbeats: the read round (Raft thesis, section 6.4). Vote requests: 1 when leadership is being transferred, so that
    /// receivers do not protect the present leader.
    /// </summary>
    public ulong Context { get; init; }

    /// <summary>Append request: what to append; empty probes.</summary>
    public IReadOnlyList<LogEntry> Entries { get; init; } = [];

    /// <summary>
    /// Snapshot request: what the snapshot stands for. The core leaves it null when it asks for one to be sent; whoever has
    /// the state fills it in.
    /// </summary>
    public SnapshotMetadata? Snapshot { get; init; }
}
