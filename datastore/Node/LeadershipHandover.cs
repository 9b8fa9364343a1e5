using Raft.Consensus;

namespace Raft.Node;

/// <content>Moving leadership to a chosen voter, and away before the member leaves (Raft thesis, section 3.10).</content>
public sealed partial class Node
{
    /// <summary>Voters that are tried before a leaving leader leaves without having handed over.</summary>
    private const int SuccessorsTried = 2;

    private readonly List<Transfer> _transfers = [];
    private bool _isLeaving;

    /// <summary>A transfer under way. The core gives it up after an election timeout; two are the bound of waiting for it.</summary>
    private sealed record Transfer(MemberId Target, long Deadline, Action<NodeError?> Done);

    /// <summary>Hands leadership to a voter; completes when it leads.</summary>
    /// <exception cref="RequestRefusedException">Not the leader, not a voter, or it did not take over in time.</exception>
    public Task MoveLeaderAsync(MemberId target)
    {
        var moved = new PendingCall<MemberId>(_options);
        moved.Begin = () => StartTransfer(target, error =>
        {
            if (error is null)
            {
                moved.Complete(target);
            }
            else
            {
                moved.Refuse(error, surelyNotDone: error != NodeError.Timeout);
            }
        });
        _inbox.Post(moved);
        return moved.Answer;
    }

    /// <summary>
    /// Before a shutdown: if this member leads, hands leadership to the voter whose log is closest; then takes no new requests.
    /// Completes when another leads or when nobody takes over, within four election timeouts. Requests are still taken during
    /// the handover: they wait for the next leader and reach it.
    /// </summary>
    public async Task LeaveAsync()
    {
        var left = new PendingCall<bool>(_options);
        left.Begin = () => HandOver([], () =>
        {
            _isLeaving = true;
            left.Complete(true);
        });
        _inbox.Post(left);
        await left.Answer.ConfigureAwait(false);
    }

    private void HandOver(List<MemberId> tried, Action done)
    {
        if (tried.Count >= SuccessorsTried || BestSuccessor(tried) is not { } successor)
        {
            done();
            return;
        }

        StartTransfer(successor, error =>
        {
            if (error is null)
            {
                done();
            }
            else
            {
                tried.Add(successor);
                HandOver(tried, done);
            }
        });
    }

    private MemberId? BestSuccessor(List<MemberId> tried)
    {
        var status = _consensus.Status;
        return status.Role != Role.Leader
            ? null
            : status.Progress
                .Where(member => member.Key != status.Id
                    && member.Value.RecentlyActive
                    && status.Configuration.Voters.Contains(member.Key)
                    && !tried.Contains(member.Key))
                .OrderByDescending(member => member.Value.Match)
                .ThenBy(member => member.Key)
                .Select(member => (MemberId?)member.Key)
                .FirstOrDefault();
    }

    private void StartTransfer(MemberId target, Action<NodeError?> done)
    {
        switch (_consensus.TransferLeadership(target))
        {
            case TransferResult.Started:
                _transfers.Add(new Transfer(target, _tick + (2 * _options.Consensus.ElectionTicks), done));
                break;
            case TransferResult.AlreadyLeader:
                done(null);
                break;
            case TransferResult.NotLeader:
                done(NodeError.NotLeader);
                break;
            default:
                done(NodeError.BadTransferee);
                break;
        }
    }

    private void CompleteTransfers()
    {
        for (var i = _transfers.Count - 1; i >= 0; i--)
        {
            var transfer = _transfers[i];
            var isThere = _consensus.Leader == transfer.Target;
            if (isThere || _tick >= transfer.Deadline)
            {
                _transfers.RemoveAt(i);
                transfer.Done(isThere ? null : NodeError.Timeout);
            }
        }
    }
}
