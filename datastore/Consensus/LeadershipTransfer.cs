namespace Raft.Consensus;

/// <summary>
/// Leadership handed to a chosen voter (thesis, section 3.10): no new proposals, bring the target up to date, let it campaign
/// at once. Given up after an election timeout.
/// </summary>
public sealed partial class ConsensusModule
{
    private MemberId _transferTarget;
    private int _transferTicks;

    // On the target, within its term.
    private bool _askedToCampaign;

    /// <summary>Hands leadership to another voter (Raft thesis, section 3.10).</summary>
    public TransferResult TransferLeadership(MemberId target)
    {
        if (_role != Role.Leader)
            return TransferResult.NotLeader;
        if (target == Id)
            return TransferResult.AlreadyLeader;
        if (ProgressOf(target) is not { IsVoter: true } member)
            return TransferResult.NotVoter;
        if (_transferTarget != target)
        {
            _transferTarget = target;
            _transferTicks = 0;
            FinishTransfer(member);
        }

        return TransferResult.Started;
    }

    /// <summary>Once the target has the whole log it may campaign; no voter will hold its log against it.</summary>
    private void FinishTransfer(Progress member)
    {
        if (member.Id == _transferTarget && member.Match == _log.Last.Index)
            SendTimeoutNow(member.Id);
    }

    private void GiveUpTransferInTime()
    {
        if (_transferTarget != MemberId.None && ++_transferTicks >= _options.ElectionTicks)
            _transferTarget = MemberId.None;
    }

    private void SendTimeoutNow(MemberId target) =>
        Send(new Message { Kind = MessageKind.TimeoutNow, From = Id, To = target, Term = _term });

    /// <summary>No pre-vote: the leader wants it deposed.</summary>
    private void HandleTimeoutNow(Message message)
    {
        _askedToCampaign = _role != Role.Leader;
        CampaignIfAskedTo();
    }

    /// <summary>
    /// A change of members that is committed but not yet handed out comes first: a leader that was removed asks its successor
    /// to campaign right after telling it so.
    /// </summary>
    private void CampaignIfAskedTo()
    {
        if (!_askedToCampaign || !MayCampaign())
            return;
        _askedToCampaign = false;
        AskForElection(transferring: true);
    }
}
