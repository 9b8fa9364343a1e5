namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// The election restriction: whoever has a newer log than the candidate does not vote for it, so that a leader holds
    /// every committed entry (paper, section 5.4.1).
    /// </summary>
    public virtual bool IsUpToDate(EntryId candidatesLast, EntryId ownLast) => candidatesLast.IsAtLeastAsUpToDateAs(ownLast);

    /// <summary>
    /// One vote a term, first come first served; the same candidate may ask again (paper, section 5.2). A member that knows
    /// the term's leader has no use for another.
    /// </summary>
    public virtual bool IsVoteFree(MemberId vote, MemberId candidate, MemberId leader) =>
        vote == candidate || (vote == MemberId.None && leader == MemberId.None);
}

/// <summary>
/// Where a vote is granted. The member asks neither its configuration whether it is a voter itself nor whether the candidate
/// is: it may know less of the newest change than the candidate (thesis, section 4.2.2).
/// </summary>
public sealed partial class ConsensusModule
{
    private void DecideVote(Message request)
    {
        if (request.Kind == MessageKind.PreVoteRequest)
            DecidePreVote(request);
        else
            DecideRealVote(request);
    }

    /// <summary>
    /// Promises nothing and changes nothing (thesis, section 9.6). Two that ask at the same moment with equal logs would be
    /// granted by each other and split the votes, which costs another election timeout: the smaller id gets no grant.
    /// </summary>
    private void DecidePreVote(Message request)
    {
        var asksToo = _role == Role.PreCandidate && request.Log == _log.Last;
        var granted = request.Term > _term && _rules.IsUpToDate(request.Log, _log.Last) && !(asksToo && request.From.CompareTo(Id) < 0);
        Send(new Message
        {
            Kind = MessageKind.PreVoteResponse,
            From = Id,
            To = request.From,
            Term = granted ? request.Term : _term,
            Reject = !granted,
        });
    }

    private void DecideRealVote(Message request)
    {
        var granted = _rules.IsVoteFree(_vote, request.From, _leader) && _rules.IsUpToDate(request.Log, _log.Last);
        if (granted)
        {
            VoteFor(request.From);
            _ticksSinceLeader = 0;
        }

        Send(new Message { Kind = MessageKind.VoteResponse, From = Id, To = request.From, Term = _term, Reject = !granted });
    }

    private void VoteFor(MemberId candidate)
    {
        Invariant.Holds(
            _vote == MemberId.None || _vote == candidate,
            $"a vote for {candidate} in term {_term}, after one for {_vote}");
        _vote = candidate;
    }
}
