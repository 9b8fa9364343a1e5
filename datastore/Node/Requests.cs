using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <content>What clients and other members ask. On a follower, requests go on to the leader.</content>
public sealed partial class Node
{
    private readonly PriorityQueue<TaskCompletionSource, ulong> _applyWaits = new();
    private readonly List<TaskCompletionSource> _compactionWaits = [];

    /// <summary>Has a command replicated and applied. The result is the state machine's, a refusal included.</summary>
    /// <exception cref="RequestRefusedException">The cluster did not answer; see whether it surely was not done.</exception>
    public Task<CommandResult> ProposeAsync(Command command) => Submit(new PendingRequest(Deadline)
    {
        Command = command,
        Data = command.ToByteArray(),
    });

    /// <summary>Adds a member. The id is chosen here.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberAddResponse> AddMemberAsync(MemberAddRequest request) =>
        (MemberAddResponse)await ChangeMembersAsync(new ForwardRequest { MemberAdd = request }).ConfigureAwait(false);

    /// <summary>Removes a member, for good.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberRemoveResponse> RemoveMemberAsync(MemberRemoveRequest request) =>
        (MemberRemoveResponse)await ChangeMembersAsync(new ForwardRequest { MemberRemove = request }).ConfigureAwait(false);

    /// <summary>Makes a learner that has caught up a voter.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberPromoteResponse> PromoteMemberAsync(MemberPromoteRequest request) =>
        (MemberPromoteResponse)await ChangeMembersAsync(new ForwardRequest { MemberPromote = request }).ConfigureAwait(false);

    /// <summary>
    /// Completes once this member has applied every write that was acknowledged, anywhere, before the call
    /// (linearizable reads: Raft thesis, section 6.4). Gives the index that it waited for.
    /// </summary>
    /// <exception cref="RequestRefusedException">No leader confirmed in time.</exception>
    public Task<LogIndex> ReadBarrierAsync() => ReadBarrierAsync(isForwarded: false);

    /// <summary>The same for another member, which waits for its own state itself. Only a leader answers.</summary>
    /// <exception cref="RequestRefusedException">This member does not lead.</exception>
    public Task<LogIndex> ReadIndexAsync() => ReadBarrierAsync(isForwarded: true);

    /// <summary>Carries out, as the leader, what another member forwards.</summary>
    /// <exception cref="RequestRefusedException">This member does not lead, or the cluster refused or did not answer.</exception>
    /// <exception cref="CommandRefusedException">The state machine refused the command.</exception>
    public async Task<ForwardResponse> ForwardedAsync(ForwardRequest request)
    {
        var isCommand = request.RequestCase == ForwardRequest.RequestOneofCase.Command;
        var pending = new PendingRequest(Deadline)
        {
            IsForwarded = true,
            Command = isCommand ? Command.Parser.ParseFrom(request.Command) : null,
            Data = isCommand ? request.Command.Memory : default,
            MembershipRequest = isCommand ? null : request,
        };
        var result = await Submit(pending).ConfigureAwait(false);
        return result.Error is { } error
            ? throw new CommandRefusedException(error)
            : Forwarding.ToResponse(result.Response!, pending.Entry.Index);
    }

    /// <summary>Completes once no compacted version takes up space any more on this member.</summary>
    public Task CompactionFinishedAsync()
    {
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _inbox.Post(() => _compactionWaits.Add(wait));
        return wait.Task;
    }

    private long Deadline => Volatile.Read(ref _tick) + _options.RequestTicks;

    private async Task<IMessage> ChangeMembersAsync(ForwardRequest request) =>
        (await Submit(new PendingRequest(Deadline) { MembershipRequest = request }).ConfigureAwait(false)).Response!;

    private Task<LogIndex> ReadBarrierAsync(bool isForwarded)
    {
        var waiter = new ReadBarrier.Waiter(Deadline) { IsForwarded = isForwarded };
        _inbox.Post(() =>
        {
            if (MayTake(waiter.Refuse))
            {
                _proposals.Track(waiter);
                _reads.Add(waiter);
            }
        });
        return waiter.Answer;
    }

    private Task<CommandResult> Submit(PendingRequest request)
    {
        _inbox.Post(() =>
        {
            if (MayTake(error => request.Refuse(error, surelyNotDone: true)))
            {
                _proposals.Track(request);
                Dispatch(request);
            }
        });
        return request.Answer;
    }

    /// <summary>Sheds load before memory grows, and takes nothing new while leaving.</summary>
    private bool MayTake(Action<NodeError> refuse)
    {
        if (_isLeaving)
        {
            refuse(NodeError.Stopped);
            return false;
        }

        if (_proposals.Count >= _options.WaitingRequestsMax)
        {
            refuse(NodeError.TooManyRequests);
            return false;
        }

        return true;
    }

    private void Dispatch(PendingRequest request)
    {
        if (_consensus.Role == Role.Leader)
        {
            ProposeHere(request);
        }
        else if (request.IsForwarded)
        {
            request.Refuse(NodeError.NotLeader, surelyNotDone: true);
        }
        else if (_consensus.Leader != MemberId.None)
        {
            _ = ForwardAsync(request, _consensus.Leader);
        }
        else
        {
            _proposals.Hold(request);
        }
    }

    private void ProposeHere(PendingRequest request)
    {
        ProposalResult result;
        if (request.MembershipRequest is { } membership)
        {
            var (change, error) = _rules.Decide(membership, _consensus.Status);
            if (error is not null)
            {
                request.Refuse(error, surelyNotDone: true);
                return;
            }

            result = _consensus.ProposeChange(change!);
        }
        else
        {
            result = _consensus.Propose(request.Data);
        }

        switch (result.Outcome)
        {
            case ProposalOutcome.Accepted:
                _proposals.Appended(request, result.Entry);
                break;
            case ProposalOutcome.LeadershipMoving when !request.IsForwarded:
                _proposals.Hold(request);
                break;
            case ProposalOutcome.LeadershipMoving or ProposalOutcome.NotLeader:
                request.Refuse(NodeError.NotLeader, surelyNotDone: true);
                break;
            case ProposalOutcome.Overloaded:
                request.Refuse(NodeError.TooManyRequests, surelyNotDone: true);
                break;
            case ProposalOutcome.ChangeInProgress:
                request.Refuse(NodeError.ChangeInProgress, surelyNotDone: true);
                break;
            case ProposalOutcome.InvalidChange:
                request.Refuse(NodeError.MemberNotFound, surelyNotDone: true);
                break;
        }
    }

    /// <summary>Tries again what waited for a leader; none of it is in any log.</summary>
    private void SubmitWaiting()
    {
        if (!_proposals.HasWaiting)
        {
            return;
        }

        foreach (var request in _proposals.TakeWaiting())
        {
            if (!request.IsAnswered)
            {
                Dispatch(request);
            }
        }
    }

    private async Task ForwardAsync(PendingRequest request, MemberId leader)
    {
        try
        {
            var response = await _ports.Forwarder
                .ForwardAsync(leader, request.ToForwardRequest(_options.ClusterId, _consensus.Id), CancellationToken.None)
                .ConfigureAwait(false);

            // The caller may read here next, and shall find what it wrote.
            await AppliedAsync(new LogIndex(response.Index)).ConfigureAwait(false);
            request.Complete(Forwarding.FromResponse(response));
        }
        catch (ForwardingException error) when (error.SurelyNotDone)
        {
            _inbox.Post(() => _proposals.Hold(request));
        }
        catch (ForwardingException)
        {
            request.Refuse(NodeError.ConnectionLost);
        }
        catch (Exception error)
        {
            request.Fail(error);
        }
    }

    private Task AppliedAsync(LogIndex index)
    {
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _inbox.Post(() =>
        {
            _applyWaits.Enqueue(wait, index.Value);
            CompleteApplyWaits();
        });
        return wait.Task;
    }

    private void CompleteApplyWaits()
    {
        while (_applyWaits.TryPeek(out var wait, out var index) && index <= _applier.Record.Last.Index.Value)
        {
            _applyWaits.Dequeue();
            wait.SetResult();
        }
    }

    private void CompleteCompactionWaits()
    {
        if (_compactionWaits.Count > 0 && !Store.HasCompactionWork)
        {
            _compactionWaits.ForEach(wait => wait.SetResult());
            _compactionWaits.Clear();
        }
    }
}

/// <summary>Carries the state machine's refusal of a forwarded command.</summary>
/// <param name="error">The refusal.</param>
public sealed class CommandRefusedException(StoreError error) : Exception(error.Message)
{
    /// <summary>The refusal.</summary>
    public StoreError Error => error;
}
