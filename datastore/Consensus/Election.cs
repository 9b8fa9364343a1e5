namespace Raft.Consensus;

/// <content>Who leads: campaigns, the count of votes, and what a leader does to stay one (Raft paper, section 5.2).</content>
public sealed partial class ConsensusModule
{
    private readonly Dictionary<MemberId, bool> _votes = [];

    /// <summary>
    /// Campaigns now instead of waiting for the election timeout. Asks first whether it could win (PreVote, thesis,
    /// section 9.6), so that a member that was cut off does not disturb a working leader when it comes back.
    /// </summary>
    public void Campaign()
    {
        _ticksSinceHeard = 0;
        DrawElectionTimeout();
        if (_role == Role.Leader)
        {
            return;
        }

        _leader = MemberId.None;
        if (!MayCampaign())
        {
            return;
        }

        _role = Role.PreCandidate;
        _votes.Clear();
        _votes[Id] = true;
        RequestVotes(MessageKind.PreVoteRequest, _term.Next, isTransfer: false);
        DecideElection();
    }

    /// <summary>A member that is no voter, or that has a configuration change still to learn, does not campaign.</summary>
    private bool MayCampaign()
    {
        if (!_configuration.Voters.Contains(Id))
        {
            return false;
        }

        for (var index = _handedOut.Next; index <= _commit; index = index.Next)
        {
            if (_log[index].Kind == EntryKind.ConfigurationChange)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Moves to a new term and asks for votes. The own vote counts, and requests leave, once it is durable.</summary>
    private void BecomeCandidate(bool isTransfer)
    {
        _role = Role.Candidate;
        _term = _term.Next;
        _vote = Id;
        _leader = MemberId.None;
        _ticksSinceHeard = 0;
        DrawElectionTimeout();
        _votes.Clear();
        RequestVotes(MessageKind.VoteRequest, _term, isTransfer);
    }

    private void RequestVotes(MessageKind kind, Term term, bool isTransfer)
    {
        foreach (var voter in _configuration.Voters)
        {
            if (voter != Id)
            {
                Send(new Message { Kind = kind, To = voter, Term = term, Log = _log.Last, Context = isTransfer ? 1ul : 0 });
            }
        }
    }

    private void CountVote(Message message)
    {
        var isAwaited = message.Kind == MessageKind.PreVoteResponse
            ? _role == Role.PreCandidate && (message.Reject || message.Term == _term.Next)
            : _role == Role.Candidate;
        if (isAwaited)
        {
            _votes.TryAdd(message.From, !message.Reject);
            DecideElection();
        }
    }

    private void DecideElection()
    {
        switch (Quorum.Outcome(_configuration, _votes))
        {
            case true when _role == Role.PreCandidate:
                BecomeCandidate(isTransfer: false);
                break;
            case true when _role == Role.Candidate:
                BecomeLeader();
                break;
            case false:
                BecomeFollower(_term, MemberId.None);
                break;
        }
    }

    private void BecomeLeader()
    {
        _role = Role.Leader;
        _leader = Id;
        _ticksSinceHeard = 0;
        _ticksSinceHeartbeat = 0;
        _progress.Clear();
        foreach (var member in _configuration.Members)
        {
            AddProgress(member);
        }

        // A change of an earlier term may still stand in the log: nothing new before all of it is applied.
        _lastChange = _log.Last.Index;

        // Commits whatever earlier leaders left, which counting alone may not (sections 5.4.2 and 8).
        AppendToOwnLog(EntryKind.Command, default);
    }

    private void AddProgress(MemberId member)
    {
        var progress = new Progress(_log.Last.Index.Next, _options.AppendsInFlightMax) { RecentlyActive = true };
        if (member == Id)
        {
            progress.Accepted(_log.Durable);
        }

        _progress.Add(member, progress);
    }

    private void LeaveLeadership()
    {
        _progress.Clear();
        _transferTarget = MemberId.None;
        _uncommittedBytes = 0;
        DropReads();
    }

    private void TickLeader()
    {
        foreach (var progress in _progress.Values)
        {
            progress.TickSnapshot(2 * _options.ElectionTicks);
        }

        if (_ticksSinceHeard >= _options.ElectionTicks)
        {
            _ticksSinceHeard = 0;
            _transferTarget = MemberId.None;
            if (!HearsFromQuorum())
            {
                // Nobody may be left behind that believes it can still serve reads and writes (thesis, section 6.2).
                BecomeFollower(_term, MemberId.None);
                return;
            }
        }

        if (++_ticksSinceHeartbeat >= _options.HeartbeatTicks)
        {
            _ticksSinceHeartbeat = 0;
            SendHeartbeats();
        }
    }

    /// <summary>CheckQuorum: whether a majority was heard from since the last time this was asked.</summary>
    private bool HearsFromQuorum()
    {
        var active = _configuration.Voters.Count(voter => voter == Id || (_progress.TryGetValue(voter, out var p) && p.RecentlyActive));
        foreach (var progress in _progress.Values)
        {
            progress.BeginPeriod();
        }

        return active >= _configuration.Quorum;
    }

    /// <summary>Each wait is drawn anew, so that split votes do not repeat (section 5.2).</summary>
    private void DrawElectionTimeout() =>
        _electionTimeout = _options.ElectionTicks + _options.Random(_options.ElectionTicks);
}
