namespace Raft.Consensus;

/// <summary>The part a member plays in its term (Raft paper, figure 4; PreCandidate: thesis, section 9.6).</summary>
public enum Role
{
    /// <summary>Follows a leader, or waits for one. Learners stay here.</summary>
    Follower,

    /// <summary>Asks whether it could win, without disturbing anyone's term.</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Leads its term.</summary>
    Leader,
}

/// <summary>
/// The consensus module of one member (Raft paper, figure 1) as a pure state machine: ticks, messages and proposals go in,
/// <see cref="Output"/> comes out. No I/O, no clock, no threads: the caller brings time, disk and network. Not thread-safe.
/// </summary>
/// <remarks>
/// The rules lie in files of their own: Election, VoteGranting, Replication (the leader's side), Following (the follower's),
/// CommitRule, LinearizableRead, LeadershipTransfer, MembershipChange, Persistence.
/// </remarks>
public sealed partial class ConsensusModule
{
    private readonly ConsensusOptions _options;
    private readonly RaftLog _log;

    // Durable before it is acted on (figure 2, persistent state).
    private Term _term;
    private MemberId _vote;

    // Volatile on every member.
    private Role _role = Role.Follower;
    private MemberId _leader;
    private LogIndex _commit;
    private LogIndex _handedOut;
    private LogIndex _applied;
    private Configuration _configuration;
    private int _ticksSinceHeard;
    private int _electionTimeout;

    // Volatile on leaders, made anew at each election.
    private readonly Dictionary<MemberId, Progress> _progress = [];
    private int _ticksSinceHeartbeat;

    /// <summary>Starts from what was durable: as a follower of the recovered term.</summary>
    /// <exception cref="InvariantViolationException">The parts of the recovered state contradict each other.</exception>
    public ConsensusModule(ConsensusOptions options, RecoveredState recovered)
    {
        Invariant.Holds(options.Id != MemberId.None, "a member has an id");
        Invariant.Holds(options.HeartbeatTicks < options.ElectionTicks, "heartbeats come more often than elections");
        _options = options;
        _log = new RaftLog(recovered.Base, recovered.Entries);
        _configuration = recovered.Configuration;
        _term = recovered.HardState.Term;
        _vote = recovered.HardState.Vote;
        Invariant.Holds(
            recovered.Applied >= recovered.Base.Index && recovered.Applied <= _log.Last.Index,
            $"the applied index {recovered.Applied} lies in the recovered log ({recovered.Base} to {_log.Last})");
        Invariant.Holds(_term >= _log.Last.Term, $"the term {_term} is not behind the log's ({_log.Last})");

        // What is applied was committed, whether or not the hint on disk says so yet.
        var commit = recovered.HardState.Commit > recovered.Applied ? recovered.HardState.Commit : recovered.Applied;
        Invariant.Holds(commit <= _log.Last.Index, $"the commit index {commit} lies in the recovered log, which ends at {_log.Last}");
        _commit = commit;
        _handedOut = _applied = recovered.Applied;
        _persistedHardState = new HardState(_term, _vote, recovered.HardState.Commit);
        DrawElectionTimeout();
    }

    /// <summary>This member.</summary>
    public MemberId Id => _options.Id;

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
            member => member.Key,
            member => new MemberProgress(
                member.Value.Match,
                member.Value.Next,
                member.Key == Id || member.Value.IsActive,
                member.Value.State == ProgressState.Snapshot)),
    };

    /// <summary>Its part now.</summary>
    public Role Role => _role;

    /// <summary>Its term now.</summary>
    public Term Term => _term;

    /// <summary>Whom it takes for the leader; none if it knows of none.</summary>
    public MemberId Leader => _leader;

    /// <summary>One tick of the logical clock passed.</summary>
    public void Tick()
    {
        _ticksSinceHeard++;
        if (_role == Role.Leader)
        {
            TickLeader();
        }
        else if (_ticksSinceHeard >= _electionTimeout)
        {
            Campaign();
        }
    }

    /// <summary>A message arrived. Those of older terms, and those that make no sense any more, change nothing.</summary>
    public void Receive(Message message)
    {
        if (message.To != Id || message.From == Id || message.From == MemberId.None)
        {
            return;
        }

        if (message.Term > _term && !AdoptTermOf(message))
        {
            return;
        }

        if (message.Term < _term)
        {
            AnswerOldTerm(message);
            return;
        }

        switch (message.Kind)
        {
            case MessageKind.PreVoteRequest or MessageKind.VoteRequest:
                AnswerVoteRequest(message);
                break;
            case MessageKind.PreVoteResponse or MessageKind.VoteResponse:
                CountVote(message);
                break;
            case MessageKind.AppendRequest:
                FollowLeader(message.From);
                ReceiveAppend(message);
                break;
            case MessageKind.HeartbeatRequest:
                FollowLeader(message.From);
                ReceiveHeartbeat(message);
                break;
            case MessageKind.SnapshotRequest:
                FollowLeader(message.From);
                ReceiveSnapshot(message);
                break;
            case MessageKind.AppendResponse when _role == Role.Leader:
                ReceiveAppendResponse(message);
                break;
            case MessageKind.HeartbeatResponse when _role == Role.Leader:
                ReceiveHeartbeatResponse(message);
                break;
            case MessageKind.TimeoutNow:
                TakeOverLeadership();
                break;
        }
    }

    /// <summary>The state machine has applied everything up to this index.</summary>
    public void Applied(LogIndex index)
    {
        Invariant.Holds(index >= _applied && index <= _handedOut, $"index {index} was handed out and comes after {_applied}");
        _applied = index;
    }

    /// <summary>Forgets entries up to this index, which must be applied and safe in a durable state.</summary>
    public void Compact(LogIndex upTo)
    {
        Invariant.Holds(upTo <= _applied, $"only applied entries are compacted, but {upTo} is above {_applied}");
        _log.Compact(upTo);
    }

    private void BecomeFollower(Term term, MemberId leader)
    {
        if (term > _term)
        {
            _term = term;
            _vote = MemberId.None;
        }

        var wasLeader = _role == Role.Leader;
        _role = Role.Follower;
        _leader = leader;
        _ticksSinceHeard = 0;
        DrawElectionTimeout();
        if (wasLeader)
        {
            LeaveLeadership();
        }
    }

    /// <summary>A message of a newer term moves this member there (section 5.1), unless it comes from a mere attempt.</summary>
    /// <returns>Whether the message is to be looked at further.</returns>
    private bool AdoptTermOf(Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.PreVoteRequest or MessageKind.VoteRequest when IsProtectingLeader(message):
                return false;
            case MessageKind.PreVoteRequest:
                // The sender has not moved to that term yet; neither do we (thesis, section 9.6).
                AnswerVoteRequest(message);
                return false;
            case MessageKind.PreVoteResponse when !message.Reject:
                CountVote(message);
                return false;
            case MessageKind.AppendRequest or MessageKind.HeartbeatRequest or MessageKind.SnapshotRequest:
                BecomeFollower(message.Term, message.From);
                return true;
            default:
                BecomeFollower(message.Term, MemberId.None);
                return true;
        }
    }

    /// <summary>Tells a sender of an older term, so that a leader that was cut off steps down.</summary>
    private void AnswerOldTerm(Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.AppendRequest or MessageKind.HeartbeatRequest or MessageKind.SnapshotRequest:
                Send(new Message { Kind = MessageKind.HeartbeatResponse, To = message.From });
                break;
            case MessageKind.PreVoteRequest:
                Send(new Message { Kind = MessageKind.PreVoteResponse, To = message.From, Reject = true });
                break;
        }
    }
}
