namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>Whether a member asks if it would win before it enters a new term (PreVote, thesis, section 9.6).</summary>
    public virtual bool AsksBeforeCampaigning => true;
}

/// <summary>How a member comes to lead: a pre-vote, a vote, and a first entry of its own (paper, section 5.2).</summary>
public sealed partial class ConsensusModule
{
    private readonly Dictionary<MemberId, bool> _votes = [];

    /// <summary>Campaigns now instead of waiting for the election timeout: for a new one-member cluster, and for tests.</summary>
    public void Campaign()
    {
        if (_role == Role.Leader)
            return;
        RestartElectionTimer();
        if (MayCampaign())
            AskForPreVotes();
    }

    /// <summary>
    /// Only voters campaign, and only once they know who the voters are: a change that is committed but not yet handed out
    /// is a change that this member's configuration lacks. Its own removal is no hindrance: it waits for a leader's word, and
    /// it may take this member to be that leader (see MembershipChange.cs).
    /// </summary>
    private bool MayCampaign()
    {
        return _rules.CountsInQuorum(_configuration, Id) && !IsChangeWaiting();
    }

    private bool IsChangeWaiting()
    {
        for (var index = _handedOut.Next; index <= _commit; index = index.Next)
        {
            if (_log[index].Kind == EntryKind.ConfigurationChange && !IsOwnRemoval(_log[index]))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Would I win? Nobody changes its term or vote for the question, so that a member that was cut off does not depose a
    /// working leader when it comes back (PreVote, thesis, section 9.6).
    /// </summary>
    private void AskForPreVotes()
    {
        if (!_rules.AsksBeforeCampaigning)
        {
            AskForElection(transferring: false);
            return;
        }

        _role = Role.PreCandidate;
        _leader = MemberId.None;
        AskForVotes(MessageKind.PreVoteRequest, _term.Next, transferring: false);
        RecordVote(Id, granted: true);
    }

    /// <summary>
    /// Enters a new term and votes for itself. The vote of its own counts, as any other, once it is durable: it is a message
    /// to itself that waits for the disk.
    /// </summary>
    private void AskForElection(bool transferring)
    {
        MoveTo(_term.Next);
        _role = Role.Candidate;
        _leader = MemberId.None;
        VoteFor(Id);
        RestartElectionTimer();
        AskForVotes(MessageKind.VoteRequest, _term, transferring);
        Send(new Message { Kind = MessageKind.VoteResponse, From = Id, To = Id, Term = _term });
    }

    private void AskForVotes(MessageKind kind, Term term, bool transferring)
    {
        _votes.Clear();
        foreach (var voter in _configuration.Voters)
        {
            if (voter != Id)
                Send(new Message { Kind = kind, From = Id, To = voter, Term = term, Log = _log.Last, Context = transferring ? 1UL : 0UL });
        }
    }

    private void CountVote(Message response)
    {
        var counts = response.Kind == MessageKind.PreVoteResponse
            ? _role == Role.PreCandidate && (response.Reject || response.Term == _term.Next)
            : _role == Role.Candidate;
        if (counts)
            RecordVote(response.From, granted: !response.Reject);
    }

    private void RecordVote(MemberId voter, bool granted)
    {
        if (!_rules.CountsInQuorum(_configuration, voter))
            return;
        _votes.TryAdd(voter, granted);
        var quorum = _rules.QuorumOf(_configuration.Voters.Count);
        var grants = _votes.Count(vote => vote.Value);
        if (grants >= quorum)
        {
            if (_role == Role.PreCandidate)
                AskForElection(transferring: false);
            else
                BecomeLeader();
        }
        else if (_votes.Count - grants > _configuration.Voters.Count - quorum)
        {
            BecomeFollower(_term, MemberId.None);
        }
    }

    /// <summary>
    /// Starts to lead with an entry of its own term, because only through one can it learn what is committed (paper,
    /// sections 5.4.2 and 8).
    /// </summary>
    private void BecomeLeader()
    {
        Invariant.Holds(_role == Role.Candidate && _vote == Id, $"{Id} was elected in term {_term} without being a candidate");
        _role = Role.Leader;
        _leader = Id;
        _ticksSinceLeader = 0;
        _ticksSinceHeartbeat = 0;
        StartProgress();
        StartProposals();
        AppendToOwnLog(EntryKind.Command, ReadOnlyMemory<byte>.Empty);
        AcknowledgeOwnLog();
    }

    /// <summary>Lays down all that only a leader has; does nothing on others.</summary>
    private void LeaveLeadership()
    {
        if (_role != Role.Leader)
            return;
        _progress = [];
        _transferTarget = MemberId.None;
        DropReads();
    }
}
