namespace Raft.Consensus;

/// <content>Where a vote is granted (Raft paper, sections 5.2 and 5.4.1).</content>
public sealed partial class ConsensusModule
{
    /// <summary>
    /// Grants a vote once a term, and only to a candidate whose log has all that may be committed. A pre-vote promises
    /// nothing and can be granted to many.
    /// </summary>
    private void AnswerVoteRequest(Message message)
    {
        var isPreVote = message.Kind == MessageKind.PreVoteRequest;
        var isFree = _vote == message.From
            || (_vote == MemberId.None && _leader == MemberId.None)
            || (isPreVote && message.Term > _term);
        var isGranted = isFree && message.Log.IsAtLeastAsUpToDateAs(_log.Last);
        if (isGranted && !isPreVote)
        {
            _vote = message.From;
            _ticksSinceHeard = 0;
        }

        Send(new Message
        {
            Kind = isPreVote ? MessageKind.PreVoteResponse : MessageKind.VoteResponse,
            To = message.From,
            Term = isPreVote && isGranted ? message.Term : _term,
            Reject = !isGranted,
        });
    }

    /// <summary>
    /// A member that heard from a leader within the last election timeout lets nobody unseat it, unless the leader itself
    /// hands over (thesis, sections 4.2.3 and 6.4.1).
    /// </summary>
    private bool IsProtectingLeader(Message voteRequest) =>
        voteRequest.Context == 0 && _leader != MemberId.None && _ticksSinceHeard < _options.ElectionTicks;
}
