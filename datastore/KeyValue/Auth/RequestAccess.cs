using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Auth;

/// <summary>
/// What a request needs permission for. Of a transaction that is all it might do: every comparison, and every operation of both
/// branches at every level, before anything is looked at. Otherwise its outcome would tell what may not be read.
/// </summary>
/// <param name="auth">Users and roles as of the state that the request meets.</param>
/// <param name="identity">Who asks.</param>
/// <param name="reader">The state, for the keys of leases.</param>
internal readonly struct RequestAccess(AuthState auth, AuthIdentity? identity, IStateReader reader)
{
    /// <summary>The refusal of a command, or null; asked where the command is applied, on every member alike.</summary>
    public StoreError? Check(Command command) => command.OperationCase switch
    {
        Command.OperationOneofCase.Put => Check(command.Put),
        Command.OperationOneofCase.DeleteRange => Check(command.DeleteRange),
        Command.OperationOneofCase.Txn => Check(command.Txn),
        Command.OperationOneofCase.Compact or Command.OperationOneofCase.Downgrade => auth.CheckRoot(identity),
        Command.OperationOneofCase.LeaseGrant => auth.CheckUser(identity),
        Command.OperationOneofCase.LeaseRevoke => CheckLease(command.LeaseRevoke.ID),
        Command.OperationOneofCase.OpenSession or Command.OperationOneofCase.CloseSession or Command.OperationOneofCase.KeepAliveSession =>
            auth.CheckUser(identity),

        // Members raise alarms themselves; of clients Server asks more. A token's grant proves who asks.
        Command.OperationOneofCase.Alarm or Command.OperationOneofCase.GrantToken => null,
        _ => AuthTable.Understands(command) ? auth.CheckRoot(identity) : null,
    };

    /// <summary>Every comparison reads, and so do operations that give back what was there.</summary>
    public StoreError? Check(TxnRequest request)
    {
        foreach (var compare in request.Compare)
            if (auth.CheckRead(identity, compare.Key, compare.RangeEnd) is { } refusal) return refusal;
        return Check(request.Success) ?? Check(request.Failure);
    }

    /// <summary>Whoever ends a lease, or holds it, decides over all its keys, so all must be theirs to write.</summary>
    public StoreError? CheckLease(long id)
    {
        if (auth.CheckRoot(identity) is null) return null;
        if (auth.CheckUser(identity) is { } refusal) return refusal;
        foreach (var key in LeaseTable.Keys(reader, id))
            if (auth.CheckWrite(identity, ByteString.CopyFrom(key), ByteString.Empty) is { } denial) return denial;
        return null;
    }

    private StoreError? Check(RepeatedField<RequestOp> operations)
    {
        foreach (var operation in operations)
        {
            var refusal = operation.RequestCase switch
            {
                RequestOneofCase.RequestRange => auth.CheckRead(identity, operation.RequestRange.Key, operation.RequestRange.RangeEnd),
                RequestOneofCase.RequestPut => Check(operation.RequestPut),
                RequestOneofCase.RequestDeleteRange => Check(operation.RequestDeleteRange),
                RequestOneofCase.RequestTxn => Check(operation.RequestTxn),
                _ => null,
            };
            if (refusal is not null) return refusal;
        }
        return null;
    }

    /// <summary>A key under a lease dies with it: who may not end the lease may not put a key under it, as in etcd.</summary>
    private StoreError? Check(PutRequest request) =>
        auth.CheckWrite(identity, request.Key, ByteString.Empty)
        ?? (request.Lease != 0 ? CheckLease(request.Lease) : null)
        ?? (request.PrevKv ? auth.CheckRead(identity, request.Key, ByteString.Empty) : null);

    private StoreError? Check(DeleteRangeRequest request) =>
        auth.CheckWrite(identity, request.Key, request.RangeEnd)
        ?? (request.PrevKv ? auth.CheckRead(identity, request.Key, request.RangeEnd) : null);
}
