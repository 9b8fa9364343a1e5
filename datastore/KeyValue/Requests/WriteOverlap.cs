using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Requests;

/// <summary>
/// Finds keys that a transaction would put twice, or put and delete. The two branches of one transaction exclude each other
/// and may share keys. What etcd lets pass is let pass: a delete by a transaction whose earlier sibling puts the key, and an
/// open-ended range (range_end of one zero byte), which etcd compares as if it were empty. Except where etcd would die of it:
/// a put that keeps the old value or lease of a key which the transaction may have deleted before.
/// </summary>
internal sealed class WriteOverlap
{
    private readonly Dictionary<ByteString, PutRequest> _puts = [];
    private readonly List<DeleteRangeRequest> _deletes = [];

    public static StoreError? Check(TxnRequest request) =>
        new WriteOverlap().Add(request.Success) && new WriteOverlap().Add(request.Failure) ? null : StoreError.DuplicateKey;

    /// <summary>The order matters: this level's deletes, then nested transactions one by one, then this level's puts.</summary>
    private bool Add(IReadOnlyList<RequestOp> operations)
    {
        foreach (var operation in operations)
            if (operation.RequestCase == RequestOneofCase.RequestDeleteRange) _deletes.Add(operation.RequestDeleteRange);
        foreach (var operation in operations)
            if (operation.RequestCase == RequestOneofCase.RequestTxn && !AddNested(operation.RequestTxn)) return false;
        foreach (var operation in operations)
            if (operation.RequestCase == RequestOneofCase.RequestPut && !AddPut(operation.RequestPut)) return false;
        return true;
    }

    private bool AddNested(TxnRequest nested)
    {
        var (success, failure) = (new WriteOverlap(), new WriteOverlap());
        if (!success.Add(nested.Success) || !failure.Add(nested.Failure)) return false;
        foreach (var put in success._puts.Values)
            if (!AddPut(put)) return false;
        foreach (var put in failure._puts.Values)
            if (!(success._puts.ContainsKey(put.Key) ? IsSafe(put) : AddPut(put))) return false;
        _deletes.AddRange(success._deletes);
        _deletes.AddRange(failure._deletes);
        return true;
    }

    private bool AddPut(PutRequest put) =>
        !_deletes.Exists(range => Covers(range, put.Key)) && IsSafe(put) && _puts.TryAdd(put.Key, put);

    /// <summary>What a put is to keep must still be there when its turn comes.</summary>
    private bool IsSafe(PutRequest put) =>
        !(put.IgnoreValue || put.IgnoreLease)
        || !_deletes.Exists(range => range.RangeEnd is [0] && range.Key.Span.SequenceCompareTo(put.Key.Span) <= 0);

    private static bool Covers(DeleteRangeRequest range, ByteString key) =>
        range.RangeEnd.IsEmpty
            ? range.Key.Equals(key)
            : range.Key.Span.SequenceCompareTo(key.Span) <= 0 && key.Span.SequenceCompareTo(range.RangeEnd.Span) < 0;
}
