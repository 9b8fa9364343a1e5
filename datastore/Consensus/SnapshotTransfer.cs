namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// Whether a snapshot tells a member anything: not what it knows to be committed already (paper, section 7). One that
    /// was long under way must not throw a newer log away.
    /// </summary>
    public virtual bool IsSnapshotNews(EntryId snapshot, LogIndex commit) => snapshot.Index > commit;
}

/// <summary>
/// What a member gets that needs entries which the leader has compacted (paper, section 7). The core asks for a snapshot to
/// be sent and says when to install one; its data travels beside.
/// </summary>
public sealed partial class ConsensusModule
{
    private SnapshotMetadata? _snapshotToInstall;

    /// <summary>A snapshot that the core asked to be sent has arrived there, or could not be delivered.</summary>
    public void SnapshotSent(MemberId to, bool delivered)
    {
        if (_role != Role.Leader || ProgressOf(to) is not { State: ReplicationState.Snapshot } member)
            return;
        if (delivered)
        {
            // The member answers once it is installed; see RetrySnapshotsInTime for when it does not.
            member.TicksSinceSnapshot = 0;
        }
        else
        {
            member.BecomeProbing(member.Match.Next);
            member.PauseProbing();
        }
    }

    private void SendSnapshot(Progress member)
    {
        member.BecomeReceivingSnapshot();
        Send(new Message { Kind = MessageKind.SnapshotRequest, From = Id, To = member.Id, Term = _term, Commit = _commit });
    }

    /// <summary>A member that crashed between receiving a snapshot and installing it must be asked again.</summary>
    private void RetrySnapshotsInTime()
    {
        foreach (var member in _progress)
        {
            if (member.State == ReplicationState.Snapshot
                && member.TicksSinceSnapshot >= 0
                && ++member.TicksSinceSnapshot > 2 * _options.ElectionTicks)
            {
                member.BecomeProbing(_log.Last.Index.Next);
            }
        }
    }

    private void HandleSnapshot(Message request)
    {
        if (request.Snapshot is not { } snapshot)
            return;
        if (_rules.IsSnapshotNews(snapshot.Last, _commit))
        {
            if (_log.Holds(snapshot.Last))
                CommitUpTo(snapshot.Last.Index);
            else
                Install(snapshot);
        }

        Accept(request.From, _commit);
    }

    /// <summary>Replaces the whole log; that of the follower ends before the snapshot or contradicts it.</summary>
    private void Install(SnapshotMetadata snapshot)
    {
        _log.ResetTo(snapshot.Last);
        _durability.Reset(snapshot.Last.Index);
        _configuration = snapshot.Configuration;
        _commit = _handedOut = _applied = snapshot.Last.Index;
        _snapshotToInstall = snapshot;
    }
}
