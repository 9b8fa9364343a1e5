namespace Raft.Consensus;

/// <content>Handing leadership to a chosen voter (Raft thesis, section 3.10).</content>
public sealed partial class ConsensusModule
{
    private MemberId _transferTarget;

    /// <summary>
    /// Hands leadership to another voter: it is brought up to date, then told to campaign at once. Proposals are refused
    /// meanwhile; after an election timeout without success this leader goes on.
    /// </summary>
    public TransferResult TransferLeadership(MemberId target)
    {
        if (_role != Role.Leader)
        {
            return TransferResult.NotLeader;
        }

        if (target == Id)
        {
            return TransferResult.AlreadyLeader;
        }

        if (!_configuration.Voters.Contains(target))
        {
            return TransferResult.NotVoter;
        }

        _transferTarget = target;
        _ticksSinceHeard = 0;
        ContinueTransfer(target, _progress[target]);
        return TransferResult.Started;
    }

    private void ContinueTransfer(MemberId member, Progress progress)
    {
        if (member == _transferTarget && progress.Match == _log.Last.Index)
        {
            Send(new Message { Kind = MessageKind.TimeoutNow, To = member });
        }
    }

    /// <summary>The leader asks this member to take over: no pre-vote, and others may leave the leader for it.</summary>
    private void TakeOverLeadership()
    {
        if (_role != Role.Leader && MayCampaign())
        {
            BecomeCandidate(isTransfer: true);
        }
    }
}
