using Raft.Consensus;

namespace Raft.Node;

/// <content>Moving leadership to a chosen voter, and away before the member leaves (Raft thesis, section 3.10).</content>
public sealed partial class Node
{
    private readonly List<Transfer> _transfers = [];
    private bool _isLeaving;

    private sealed class Transfer(MemberId target, long deadline)
    {
        internal MemberId Target => target;

        internal long Deadline => deadline;

        internal TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Hands leadership to a voter; completes when it leads.</summary>
    /// <exception cref="RequestRefusedException">Not the leader, not a voter, or it did not take over in time.</exception>
    public Task MoveLeaderAsync(MemberId target)
    {
        var transfer = new Transfer(target, Volatile.Read(ref _tick) + (2 * _options.Consensus.ElectionTicks));
        _inbox.Post(() => StartTransfer(transfer));
        return transfer.Done.Task;
    }

    /// <summary>
    /// Before a shutdown: takes no new requests and, if this member leads, hands leadership to the voter whose log is closest.
    /// Completes when another leads, when there is nobody to take over, or after two election timeouts.
    /// </summary>
    public Task LeaveAsync()
    {
        var transfer = new Transfer(MemberId.None, 0);
        _inbox.Post(() =>
        {
            if (BestSuccessor() is { } successor)
            {
                var handover = new Transfer(successor, _tick + (2 * _options.Consensus.ElectionTicks));
                handover.Done.Task.ContinueWith(
                    done =>
                    {
                        _ = done.Exception;
                        _inbox.Post(() => Left(transfer));
                    },
                    CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
                StartTransfer(handover);
            }
            else
            {
                Left(transfer);
            }
        });
        return transfer.Done.Task;
    }

    /// <summary>Requests are still taken during the handover: they wait for the next leader and reach it.</summary>
    private void Left(Transfer transfer)
    {
        _isLeaving = true;
        transfer.Done.TrySetResult();
    }

    private MemberId? BestSuccessor()
    {
        var status = _consensus.Status;
        if (status.Role != Role.Leader)
        {
            return null;
        }

        return status.Progress
            .Where(member => member.Key != status.Id && member.Value.RecentlyActive && status.Configuration.Voters.Contains(member.Key))
            .OrderByDescending(member => member.Value.Match)
            .Select(member => (MemberId?)member.Key)
            .FirstOrDefault();
    }

    private void StartTransfer(Transfer transfer)
    {
        switch (_consensus.TransferLeadership(transfer.Target))
        {
            case TransferResult.Started:
                _transfers.Add(transfer);
                break;
            case TransferResult.AlreadyLeader:
                transfer.Done.TrySetResult();
                break;
            case TransferResult.NotLeader:
                transfer.Done.TrySetException(new RequestRefusedException(NodeError.NotLeader, surelyNotDone: true));
                break;
            case TransferResult.NotVoter:
                transfer.Done.TrySetException(new RequestRefusedException(NodeError.BadTransferee, surelyNotDone: true));
                break;
        }
    }

    private void CompleteTransfers() => _transfers.RemoveAll(transfer =>
    {
        if (_consensus.Leader == transfer.Target)
        {
            return transfer.Done.TrySetResult();
        }

        return _tick >= transfer.Deadline && transfer.Done.TrySetException(new RequestRefusedException(NodeError.Timeout));
    });
}
