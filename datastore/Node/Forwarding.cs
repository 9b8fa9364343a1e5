using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <content>Requests that reach a follower go on to the leader, once: what may have been done is never sent again.</content>
public sealed partial class Node
{
    private readonly PriorityQueue<(PendingRequest Request, ForwardResponse Response), ulong> _answeredByLeader = new();

    /// <summary>Carries out, as the leader, what another member forwards.</summary>
    /// <exception cref="RequestRefusedException">
    /// This member does not lead, does not know such a request (a newer member sent it), or the cluster refused or did not answer.
    /// </exception>
    /// <exception cref="CommandRefusedException">The state machine refused the command.</exception>
    public async Task<ForwardResponse> ForwardedAsync(ForwardRequest request)
    {
        if (IsAboutLeases(request))
        {
            return await AnswerAboutLeaseAsync(request).ConfigureAwait(false);
        }

        var isCommand = request.RequestCase == ForwardRequest.RequestOneofCase.Command;
        var command = isCommand ? CommandReader.Read(request.Command.Memory) : null;
        if (request.RequestCase == ForwardRequest.RequestOneofCase.None || command is { OperationCase: Command.OperationOneofCase.None })
        {
            // In the log it would stop every member that does not know it.
            throw new RequestRefusedException(NodeError.UnknownRequest, surelyNotDone: true);
        }

        // On the other member's behalf nothing runs here but what follows, and leaving the answer to the thread that sends it: the
        // loop does so itself, which is cheaper than waking a thread for it.
        var pending = new PendingRequest(TaskCreationOptions.None, _admission, Deadline, isCommand ? request.Command.Length : 0)
        {
            Data = isCommand ? request.Command.Memory : default,
            IsForwarded = true,
            Command = command,
            MembershipRequest = isCommand ? null : request,
        };
        var result = await Submit(pending).ConfigureAwait(false);
        return result.Error is { } error
            ? throw new CommandRefusedException(error)
            : ForwardedAnswer.ToResponse(result.Response!, pending.Entry.Index);
    }

    private async Task ForwardAsync(PendingRequest request, MemberId leader)
    {
        try
        {
            var response = await _ports.Forwarder
                .ForwardAsync(leader, request.ToForwardRequest(), CancellationToken.None)
                .ConfigureAwait(false);

            _inbox.Post(new LeadersAnswer(request, response));
        }
        catch (Exception error)
        {
            _inbox.Post(() => NotForwarded(request, error));
        }
    }

    /// <summary>In a turn: the leader gave no answer.</summary>
    private void NotForwarded(PendingRequest request, Exception error)
    {
        if (error is ForwardingException { SurelyNotDone: true })
        {
            request.IsSent = false;
            _proposals.Hold(request, NodeError.NoLeader);
        }
        else if (error is ForwardingException)
        {
            request.Refuse(NodeError.ConnectionLost, surelyNotDone: false);
        }
        else
        {
            request.Fail(error);
        }
    }

    /// <summary>Passes the leader's answers on, as far as this member's own state has come.</summary>
    private void CompleteForwarded(LogIndex applied)
    {
        while (_answeredByLeader.TryPeek(out var answered, out var index) && index <= applied.Value)
        {
            _answeredByLeader.Dequeue();
            answered.Request.Complete(new CommandResult(ForwardedAnswer.FromResponse(answered.Response), null));
        }
    }

    /// <summary>The caller may read here next, and shall find what it wrote: the answer waits until that is applied here.</summary>
    private sealed class LeadersAnswer(PendingRequest request, ForwardResponse response) : Input
    {
        internal override void Take(Node node) => node._answeredByLeader.Enqueue((request, response), response.Index);
    }
}

/// <summary>Answers on their way from the leader to a follower's client.</summary>
internal static class ForwardedAnswer
{
    internal static ForwardResponse ToResponse(IMessage response, LogIndex index) => response switch
    {
        PutResponse put => new() { Index = index.Value, Put = put },
        DeleteRangeResponse delete => new() { Index = index.Value, DeleteRange = delete },
        TxnResponse txn => new() { Index = index.Value, Txn = txn },
        CompactionResponse compact => new() { Index = index.Value, Compact = compact },
        AlarmResponse alarm => new() { Index = index.Value, Alarm = alarm },
        MemberAddResponse add => new() { Index = index.Value, MemberAdd = add },
        MemberRemoveResponse remove => new() { Index = index.Value, MemberRemove = remove },
        MemberPromoteResponse promote => new() { Index = index.Value, MemberPromote = promote },
        MemberUpdateResponse update => new() { Index = index.Value, MemberUpdate = update },
        OpenSessionResponse open => new() { Index = index.Value, OpenSession = open },
        CloseSessionResponse close => new() { Index = index.Value, CloseSession = close },
        KeepAliveSessionResponse keepAlive => new() { Index = index.Value, KeepAliveSession = keepAlive },
        LeaseGrantResponse grant => new() { Index = index.Value, LeaseGrant = grant },
        LeaseRevokeResponse revoke => new() { Index = index.Value, LeaseRevoke = revoke },
        DowngradeResponse downgrade => new() { Index = index.Value, Downgrade = downgrade },
        AuthEnableResponse authEnable => new() { Index = index.Value, AuthEnable = authEnable },
        AuthDisableResponse authDisable => new() { Index = index.Value, AuthDisable = authDisable },
        AuthenticateResponse authenticate => new() { Index = index.Value, Authenticate = authenticate },
        AuthUserAddResponse authUserAdd => new() { Index = index.Value, AuthUserAdd = authUserAdd },
        AuthUserDeleteResponse authUserDelete => new() { Index = index.Value, AuthUserDelete = authUserDelete },
        AuthUserChangePasswordResponse authUserChangePassword => new() { Index = index.Value, AuthUserChangePassword = authUserChangePassword },
        AuthUserGrantRoleResponse authUserGrantRole => new() { Index = index.Value, AuthUserGrantRole = authUserGrantRole },
        AuthUserRevokeRoleResponse authUserRevokeRole => new() { Index = index.Value, AuthUserRevokeRole = authUserRevokeRole },
        AuthRoleAddResponse authRoleAdd => new() { Index = index.Value, AuthRoleAdd = authRoleAdd },
        AuthRoleDeleteResponse authRoleDelete => new() { Index = index.Value, AuthRoleDelete = authRoleDelete },
        AuthRoleGrantPermissionResponse authRoleGrantPermission => new() { Index = index.Value, AuthRoleGrantPermission = authRoleGrantPermission },
        AuthRoleRevokePermissionResponse authRoleRevokePermission => new() { Index = index.Value, AuthRoleRevokePermission = authRoleRevokePermission },
        MemberListResponse => new() { Index = index.Value },
        _ => throw new InvariantViolationException($"There is no way to forward a {response.Descriptor.Name}."),
    };

    internal static IMessage FromResponse(ForwardResponse response) => response.ResponseCase switch
    {
        ForwardResponse.ResponseOneofCase.Put => response.Put,
        ForwardResponse.ResponseOneofCase.DeleteRange => response.DeleteRange,
        ForwardResponse.ResponseOneofCase.Txn => response.Txn,
        ForwardResponse.ResponseOneofCase.Compact => response.Compact,
        ForwardResponse.ResponseOneofCase.Alarm => response.Alarm,
        ForwardResponse.ResponseOneofCase.MemberAdd => response.MemberAdd,
        ForwardResponse.ResponseOneofCase.MemberRemove => response.MemberRemove,
        ForwardResponse.ResponseOneofCase.MemberPromote => response.MemberPromote,
        ForwardResponse.ResponseOneofCase.MemberUpdate => response.MemberUpdate,
        ForwardResponse.ResponseOneofCase.OpenSession => response.OpenSession,
        ForwardResponse.ResponseOneofCase.CloseSession => response.CloseSession,
        ForwardResponse.ResponseOneofCase.KeepAliveSession => response.KeepAliveSession,
        ForwardResponse.ResponseOneofCase.LeaseGrant => response.LeaseGrant,
        ForwardResponse.ResponseOneofCase.LeaseRevoke => response.LeaseRevoke,
        ForwardResponse.ResponseOneofCase.Downgrade => response.Downgrade,
        ForwardResponse.ResponseOneofCase.AuthEnable => response.AuthEnable,
        ForwardResponse.ResponseOneofCase.AuthDisable => response.AuthDisable,
        ForwardResponse.ResponseOneofCase.Authenticate => response.Authenticate,
        ForwardResponse.ResponseOneofCase.AuthUserAdd => response.AuthUserAdd,
        ForwardResponse.ResponseOneofCase.AuthUserDelete => response.AuthUserDelete,
        ForwardResponse.ResponseOneofCase.AuthUserChangePassword => response.AuthUserChangePassword,
        ForwardResponse.ResponseOneofCase.AuthUserGrantRole => response.AuthUserGrantRole,
        ForwardResponse.ResponseOneofCase.AuthUserRevokeRole => response.AuthUserRevokeRole,
        ForwardResponse.ResponseOneofCase.AuthRoleAdd => response.AuthRoleAdd,
        ForwardResponse.ResponseOneofCase.AuthRoleDelete => response.AuthRoleDelete,
        ForwardResponse.ResponseOneofCase.AuthRoleGrantPermission => response.AuthRoleGrantPermission,
        ForwardResponse.ResponseOneofCase.AuthRoleRevokePermission => response.AuthRoleRevokePermission,
        _ => new MemberListResponse(),
    };
}

/// <summary>Carries the state machine's refusal of a forwarded command.</summary>
/// <param name="error">The refusal.</param>
public sealed class CommandRefusedException(StoreError error) : Exception(error.Message)
{
    /// <summary>The refusal.</summary>
    public StoreError Error => error;
}
