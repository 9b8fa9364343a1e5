namespace Raft.Consensus;

/// <summary>Settings of the core. All members of a cluster should share them, except for the identity.</summary>
public sealed record ConsensusOptions
{
    /// <summary>This member.</summary>
    public required MemberId Id { get; init; }

    /// <summary>Gives a number from 0 (inclusive) to its argument (exclusive): the core has no randomness of its own.</summary>
    public required Func<int, int> Random { get; init; }

    /// <summary>
    /// Ticks without a leader before a member campaigns; each wait but the first is drawn from [ElectionTicks, 2 ElectionTicks)
    /// (Raft paper, section 5.2).
    /// </summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Ticks between heartbeats; well below <see cref="ElectionTicks"/>.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>Bytes of entries in one append request; at least one entry always goes.</summary>
    public int AppendBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Append requests on their way to one member before the leader waits for an answer.</summary>
    public int AppendsInFlightMax { get; init; } = 256;

    /// <summary>Read rounds that are not confirmed before the next waits.</summary>
    public int ReadRoundsInFlightMax { get; init; } = 1;

    /// <summary>Bytes of committed entries in one output; at least one entry always goes.</summary>
    public int CommittedBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Committed entries in one output. A command may have to look at what those before it in its batch wrote, so a batch of tens of
    /// thousands of tiny ones, as a restart finds in its log, would cost more than many smaller.
    /// </summary>
    public int CommittedEntriesMax { get; init; } = 2_000;

    /// <summary>Bytes of proposals not yet committed before the leader refuses more.</summary>
    public long UncommittedBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>The rules of Raft. Only a test that breaks one on purpose gives others.</summary>
    internal ConsensusRules Rules { get; init; } = ConsensusRules.Standard;
}

/// <summary>What a member knew when it stopped.</summary>
/// <param name="HardState">Term, vote and commit index.</param>
/// <param name="Base">The entry before the first of <paramref name="Entries"/>: compacted, its effect is in the state.</param>
/// <param name="Entries">The log from there on, without a gap.</param>
/// <param name="Applied">Index that the durable state has reached; not below the base.</param>
/// <param name="Configuration">The members as of <paramref name="Applied"/>.</param>
public sealed record RecoveredState(
    HardState HardState,
    EntryId Base,
    IReadOnlyList<LogEntry> Entries,
    LogIndex Applied,
    Configuration Configuration);

/// <summary>Why a proposal was not taken, if it was not.</summary>
public enum ProposalOutcome
{
    /// <summary>It is in the leader's log; it may still be lost until it is committed.</summary>
    Accepted,

    /// <summary>This member does not lead.</summary>
    NotLeader,

    /// <summary>Leadership is being handed over; try the next leader.</summary>
    LeadershipMoving,

    /// <summary>Too many bytes wait to be committed.</summary>
    Overloaded,

    /// <summary>Another configuration change is not yet applied.</summary>
    ChangeInProgress,

    /// <summary>The change makes no sense in the present configuration.</summary>
    InvalidChange,
}

/// <summary>The answer to a proposal.</summary>
/// <param name="Outcome">Whether it was taken.</param>
/// <param name="Entry">Where it stands in the log, if it was.</param>
public readonly record struct ProposalResult(ProposalOutcome Outcome, EntryId Entry);

/// <summary>The answer to a request to move leadership.</summary>
public enum TransferResult
{
    /// <summary>Under way; given up after an election timeout.</summary>
    Started,

    /// <summary>The target leads already.</summary>
    AlreadyLeader,

    /// <summary>This member does not lead.</summary>
    NotLeader,

    /// <summary>The target is no voter.</summary>
    NotVoter,
}

/// <summary>What a leader knows of one member's log.</summary>
/// <param name="Match">Highest index known to be durable there.</param>
/// <param name="Next">Next index to send.</param>
/// <param name="RecentlyActive">Heard from within the last one or two election timeouts.</param>
/// <param name="ReceivingSnapshot">A snapshot is on its way there.</param>
public readonly record struct MemberProgress(LogIndex Match, LogIndex Next, bool RecentlyActive, bool ReceivingSnapshot);

/// <summary>What may be seen of the core from outside.</summary>
public sealed record ConsensusStatus
{
    /// <summary>This member.</summary>
    public required MemberId Id { get; init; }

    /// <summary>Its part.</summary>
    public required Role Role { get; init; }

    /// <summary>Its term.</summary>
    public required Term Term { get; init; }

    /// <summary>Whom it takes for the leader; none if it knows of none.</summary>
    public required MemberId Leader { get; init; }

    /// <summary>To whom leadership is being handed; none if to nobody.</summary>
    public required MemberId TransferTarget { get; init; }

    /// <summary>Last entry of the log.</summary>
    public required EntryId Last { get; init; }

    /// <summary>The entry before the first that is kept.</summary>
    public required EntryId Base { get; init; }

    /// <summary>Commit index.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>Applied index.</summary>
    public required LogIndex Applied { get; init; }

    /// <summary>The members, as of the applied index.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>On the leader: every member's progress, its own included. Elsewhere empty.</summary>
    public required IReadOnlyDictionary<MemberId, MemberProgress> Progress { get; init; }
}
