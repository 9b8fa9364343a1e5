namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>A leader that no longer hears from a quorum steps down (thesis, section 6.2).</summary>
    public virtual bool MayGoOnLeading(int heard, int quorum) => heard >= quorum;
}

/// <summary>
/// What a leader does as time passes: heartbeats, and stepping down when it no longer hears from a quorum, so that clients
/// turn elsewhere and a new leader is not held off by a useless one (thesis, section 6.2).
/// </summary>
public sealed partial class ConsensusModule
{
    private void LeaderTick()
    {
        if (_ticksSinceLeader >= _options.ElectionTicks)
        {
            _ticksSinceLeader = 0;
            if (!HeardFromQuorum())
            {
                BecomeFollower(_term, MemberId.None);
                return;
            }
        }

        GiveUpTransferInTime();
        RetrySnapshotsInTime();
        if (++_ticksSinceHeartbeat >= _options.HeartbeatTicks)
        {
            _ticksSinceHeartbeat = 0;
            foreach (var member in _progress)
                member.NoticeLosses(_log.Last.Index);
            SendHeartbeats();
        }
    }

    /// <summary>Whether a quorum, this member included, was heard from since the last look.</summary>
    private bool HeardFromQuorum()
    {
        var heard = 0;
        foreach (var member in _progress)
        {
            if (member.IsVoter && (member.Id == Id || member.RecentlyActive))
                heard++;
            member.BeginPeriod();
        }

        return _rules.MayGoOnLeading(heard, _rules.QuorumOf(_configuration.Voters.Count));
    }

    private void SendHeartbeats()
    {
        foreach (var member in _progress)
        {
            if (member.Id == Id)
                continue;
            Send(new Message
            {
                Kind = MessageKind.HeartbeatRequest,
                From = Id,
                To = member.Id,
                Term = _term,
                Commit = Min(member.Match, CommitFor(member)),
                Context = _readRound,
            });
        }
    }

    private void HandleHeartbeat(Message request)
    {
        _commitTold = Max(_commitTold, request.Commit);
        AdvanceCommitTo(request.Commit);
        AnswerHeartbeat(request.From, request.Context);
    }

    private void AnswerHeartbeat(MemberId leader, ulong readRound) => Send(new Message
    {
        Kind = MessageKind.HeartbeatResponse,
        From = Id,
        To = leader,
        Term = _term,
        Commit = _durability.DurableCommit,
        Context = readRound,
    });

    private void HandleHeartbeatResponse(Message response)
    {
        if (_role != Role.Leader || ProgressOf(response.From) is not { } member)
            return;
        member.Answered();
        member.HasDurableCommit(response.Commit);
        FinishTransfer(member);
        ConfirmReadRound(member, response.Context);
    }
}
