using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Requests;

/// <summary>What can be said of a transaction by looking at it.</summary>
public static class RequestShape
{
    /// <summary>It writes in neither branch, at no level: it needs no log entry.</summary>
    public static bool IsReadOnly(TxnRequest request) =>
        All(request, static op => op.RequestCase is RequestOneofCase.RequestRange);

    /// <summary>It is read-only, and each of its ranges may be answered from a member that is behind.</summary>
    public static bool IsSerializable(TxnRequest request) =>
        All(request, static op => op.RequestCase is RequestOneofCase.RequestRange && op.RequestRange.Serializable);

    /// <summary>It may store something new, so it needs space.</summary>
    public static bool MayPut(TxnRequest request) =>
        !All(request, static op => op.RequestCase is not RequestOneofCase.RequestPut);

    /// <summary>Does every operation that is not itself a transaction have the property?</summary>
    private static bool All(TxnRequest request, Func<RequestOp, bool> property) =>
        request.Success.Concat(request.Failure).All(op =>
            op.RequestCase == RequestOneofCase.RequestTxn ? All(op.RequestTxn, property) : property(op));
}
