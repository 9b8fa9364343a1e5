namespace Raft.Consensus;

/// <summary>
/// The consensus module of one member (Raft paper, figure 1) as a pure state machine: ticks, messages and proposals go in,
/// <see cref="Output"/> comes out. No I/O, no clock, no threads: the caller brings time, disk and network. Not thread-safe.
/// </summary>
/// <remarks>
/// This file holds the state and the entrances. The rules live in files named for them: Election, VoteGranting,
/// LeaderStickiness, LostLeader, Replication (leader), Appending (follower), CommitRule, ReadIndex, LeadershipTransfer,
/// MembershipChange, SnapshotTransfer, CheckQuorum, Durability.
/// </remarks>
public sealed partial class ConsensusModule
{
    private readonly ConsensusOptions _options;
    private readonly ConsensusRules _rules;

    // Durable before it is acted upon (paper, figure 2: persistent state): see Durability.cs and Outputs.cs.
    private readonly RaftLog _log;
    private readonly Durability _durability;
    private Term _term;
    private MemberId _vote;

    // Volatile, on every member (paper, figure 2). Handed out <= commit; applied <= handed out.
    private Role _role;
    private MemberId _leader;
    private LogIndex _commit;
    private LogIndex _handedOut;
    private LogIndex _applied;
    private Configuration _configuration;

    // Logical time.
    private int _ticksSinceLeader;
    private int _electionTimeoutTicks;
    private int _ticksSinceHeartbeat;

    /// <summary>Starts from what was durable: as a follower of the recovered term.</summary>
    /// <exception cref="ArgumentException">The settings or the recovered state contradict themselves.</exception>
    /// <exception cref="InvariantViolationException">The recovered log is no Raft log.</exception>
    public ConsensusModule(ConsensusOptions options, RecoveredState recovered)
    {
        if (options.Id == MemberId.None)
            throw new ArgumentException("A member needs an id other than 0.", nameof(options));
        if (options.HeartbeatTicks < 1 || options.ElectionTicks <= options.HeartbeatTicks)
            throw new ArgumentException("ElectionTicks must exceed HeartbeatTicks, which must be at least 1.", nameof(options));
        if (recovered.Applied < recovered.Base.Index)
            throw new ArgumentException($"The state has applied {recovered.Applied}, but the log only starts after {recovered.Base}.", nameof(recovered));

        _options = options;
        _rules = options.Rules;
        _log = new RaftLog(recovered.Base, recovered.Entries);
        if (recovered.Applied > _log.Last.Index || recovered.HardState.Commit > _log.Last.Index)
            throw new ArgumentException($"State or commit index are ahead of the log, which ends at {_log.Last}.", nameof(recovered));

        _durability = new Durability(_log.Last.Index, recovered.HardState.Commit);
        _term = recovered.HardState.Term;
        _vote = recovered.HardState.Vote;
        Invariant.Holds(_log.Last.Term <= _term, $"the log ends at {_log.Last}, ahead of the recovered term {_term}");
        _written = recovered.HardState;
        _configuration = recovered.Configuration;
        _applied = _handedOut = recovered.Applied;
        _commit = Max(Max(recovered.HardState.Commit, recovered.Applied), CommitImpliedByChanges());
        StartElectionTimer();
    }

    /// <summary>This member.</summary>
    public MemberId Id => _options.Id;

    /// <summary>Its part now.</summary>
    public Role Role => _role;

    /// <summary>Its term now.</summary>
    public Term Term => _term;

    /// <summary>Whom it takes for the leader now; none if it knows of none.</summary>
    public MemberId Leader => _leader;

    /// <summary>Up to where the log is known to be committed.</summary>
    public LogIndex Commit => _commit;

    /// <summary>What others may see of the state; a copy that stays as it is.</summary>
    public ConsensusStatus Status => new()
    {
        Id = Id,
        Role = _role,
        Term = _term,
        Leader = _leader,
        TransferTarget = _transferTarget,
        Last = _log.Last,
        Base = _log.Base,
        Commit = _commit,
        Applied = _applied,
        Configuration = _configuration,
        Progress = _progress.ToDictionary(
            member => member.Id,
            member => new MemberProgress(
                member.Match,
                member.Next,
                member.Id == Id || member.IsActive,
                member.State == ReplicationState.Snapshot)),
    };

    /// <summary>One tick of the logical clock passed.</summary>
    public void Tick()
    {
        _ticksSinceLeader++;
        if (_role == Role.Leader)
        {
            LeaderTick();
        }
        else if (_ticksSinceLeader >= _electionTimeoutTicks)
        {
            Campaign();
        }
    }

    /// <summary>A message arrived. What makes no sense is ignored; what proves Raft broken throws.</summary>
    /// <exception cref="InvariantViolationException">The cluster contradicts itself: stop this member.</exception>
    public void Receive(Message message)
    {
        if (message.To != Id || message.From == Id)
            return;
        if (message.Term > _term)
        {
            if (!EnterTermOf(message))
                return;
        }
        else if (message.Term < _term)
        {
            AnswerOldTerm(message);
            return;
        }

        switch (message.Kind)
        {
            case MessageKind.PreVoteRequest:
            case MessageKind.VoteRequest:
                DecideVote(message);
                break;
            case MessageKind.PreVoteResponse:
            case MessageKind.VoteResponse:
                CountVote(message);
                break;
            case MessageKind.AppendRequest:
                FollowLeader(message.From);
                HandleAppend(message);
                break;
            case MessageKind.HeartbeatRequest:
                FollowLeader(message.From);
                HandleHeartbeat(message);
                break;
            case MessageKind.SnapshotRequest:
                FollowLeader(message.From);
                HandleSnapshot(message);
                break;
            case MessageKind.AppendResponse:
                HandleAppendResponse(message);
                break;
            case MessageKind.HeartbeatResponse:
                HandleHeartbeatResponse(message);
                break;
            case MessageKind.TimeoutNow:
                HandleTimeoutNow(message);
                break;
            default:
                break;
        }
    }

    /// <summary>All outputs up to this sequence are durable.</summary>
    public void Persisted(ulong sequence)
    {
        _durability.Complete(sequence);
        AcknowledgeOwnLog();
        ReleasePromises();
    }

    /// <summary>The state machine has applied everything up to this index.</summary>
    public void Applied(LogIndex index)
    {
        Invariant.Holds(index <= _handedOut, $"{index} is said to be applied, but only {_handedOut} was handed out");
        _applied = Max(_applied, index);
    }

    /// <summary>Forgets entries up to this index, which must be applied and safe in a durable state.</summary>
    public void Compact(LogIndex upTo)
    {
        Invariant.Holds(upTo <= _applied, $"cannot compact up to {upTo}, only {_applied} is applied");
        _log.CompactTo(upTo);
    }

    private static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;
}
