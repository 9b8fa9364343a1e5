namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>Whom a member has voted for once it enters a newer term: nobody yet (paper, section 5.2).</summary>
    public virtual MemberId VoteInNewTerm(MemberId vote) => MemberId.None;
}

/// <summary>How a member moves between terms and parts (paper, section 5.1 and figure 4).</summary>
public sealed partial class ConsensusModule
{
    /// <summary>Deals with a message of a newer term.</summary>
    /// <returns>Whether to go on with the message.</returns>
    private bool EnterTermOf(Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.PreVoteRequest or MessageKind.VoteRequest when ProtectsLeaderFrom(message):
                return false;
            case MessageKind.PreVoteRequest:
            case MessageKind.PreVoteResponse when !message.Reject:
                // Nobody is in that term yet: it is the one that the sender would campaign in.
                return true;
            case MessageKind.AppendRequest or MessageKind.HeartbeatRequest or MessageKind.SnapshotRequest:
                BecomeFollower(message.Term, message.From);
                return true;
            default:
                BecomeFollower(message.Term, MemberId.None);
                return true;
        }
    }

    /// <summary>
    /// Tells senders that their term is over, so that they step down or catch up (paper, section 5.1). Answers are not
    /// answered.
    /// </summary>
    private void AnswerOldTerm(Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.AppendRequest or MessageKind.HeartbeatRequest or MessageKind.SnapshotRequest:
                Send(new Message
                {
                    Kind = MessageKind.AppendResponse,
                    From = Id,
                    To = message.From,
                    Term = _term,
                    Log = message.Log,
                    Reject = true,
                    Hint = _log.Last,
                });
                break;
            case MessageKind.PreVoteRequest:
                Send(new Message { Kind = MessageKind.PreVoteResponse, From = Id, To = message.From, Term = _term, Reject = true });
                break;
            case MessageKind.VoteRequest:
                Send(new Message { Kind = MessageKind.VoteResponse, From = Id, To = message.From, Term = _term, Reject = true });
                break;
            default:
                break;
        }
    }

    /// <summary>A leader of the present term speaks: candidates give up, and there cannot be another one (Election Safety).</summary>
    private void FollowLeader(MemberId leader)
    {
        Invariant.Holds(_role != Role.Leader, $"{leader} leads term {_term} beside {Id}");
        Invariant.Holds(_leader == MemberId.None || _leader == leader, $"{leader} leads term {_term} beside {_leader}");
        if (_role != Role.Follower || _leader != leader)
            BecomeFollower(_term, leader);
        _ticksSinceLeader = 0;
    }

    private void BecomeFollower(Term term, MemberId leader)
    {
        MoveTo(term);
        LeaveLeadership();
        _role = Role.Follower;
        _leader = leader;
        RestartElectionTimer();
    }

    private void MoveTo(Term term)
    {
        Invariant.Holds(term >= _term, $"term {_term} would go back to {term}");
        if (term == _term)
            return;
        _term = term;
        _vote = _rules.VoteInNewTerm(_vote);
        _askedToCampaign = false;
    }

    /// <summary>
    /// A member that has only just started need not fear for a leader whom it has not heard: it waits a fifth of an election timeout
    /// for one to call, and a random part so that those who start together do not split the votes. (etcd shortens its first
    /// wait as well: initial-election-tick-advance.)
    /// </summary>
    private void StartElectionTimer()
    {
        _ticksSinceLeader = 0;
        _electionTimeoutTicks = Math.Max(1, _options.ElectionTicks / 5) + _options.Random(_options.ElectionTicks);
    }

    /// <summary>Each wait is drawn anew, so that split votes are rare and soon over (paper, section 5.2).</summary>
    private void RestartElectionTimer()
    {
        _ticksSinceLeader = 0;
        _electionTimeoutTicks = _options.ElectionTicks + _options.Random(_options.ElectionTicks);
    }
}
