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
    private static readonly Comparer<ByteString> KeyOrder = Comparer<ByteString>.Create(Compare);

    private readonly Dictionary<ByteString, PutRequest> _puts = [];
    private readonly List<DeleteRangeRequest> _deletes = [];

    // The first so many deletes, as they are looked through for each put: single keys; ranges by their start, with the greatest end
    // so far; and the least start of those without an end.
    private int _known;
    private HashSet<ByteString> _deletedKeys = [];
    private (ByteString Start, ByteString GreatestEnd)[] _deletedRanges = [];
    private ByteString? _deletedFrom;

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

    private bool AddPut(PutRequest put) => !IsDeleted(put.Key) && IsSafe(put) && _puts.TryAdd(put.Key, put);

    /// <summary>What a put is to keep must still be there when its turn comes.</summary>
    private bool IsSafe(PutRequest put)
    {
        if (!put.IgnoreValue && !put.IgnoreLease) return true;
        KnowDeletes();
        return _deletedFrom is not { } start || Compare(start, put.Key) > 0;
    }

    private bool IsDeleted(ByteString key)
    {
        KnowDeletes();
        if (_deletedKeys.Contains(key)) return true;
        var (low, high) = (0, _deletedRanges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Compare(_deletedRanges[middle].Start, key) <= 0) low = middle + 1;
            else high = middle;
        }
        return low > 0 && Compare(key, _deletedRanges[low - 1].GreatestEnd) < 0;
    }

    /// <summary>Takes in the deletes that were added since: looking through all of them for every put would take the square of both.</summary>
    private void KnowDeletes()
    {
        if (_known == _deletes.Count) return;
        _known = _deletes.Count;
        _deletedKeys = [.. _deletes.Where(static range => range.RangeEnd.IsEmpty).Select(static range => range.Key)];
        _deletedFrom = _deletes.Where(static range => range.RangeEnd is [0]).Select(static range => range.Key).Order(KeyOrder).FirstOrDefault();
        _deletedRanges =
        [
            .. _deletes.Where(static range => !range.RangeEnd.IsEmpty).Select(static range => (range.Key, range.RangeEnd))
                .OrderBy(static range => range.Key, KeyOrder),
        ];
        for (var at = 1; at < _deletedRanges.Length; at++)
        {
            var before = _deletedRanges[at - 1].GreatestEnd;
            if (Compare(before, _deletedRanges[at].GreatestEnd) > 0) _deletedRanges[at].GreatestEnd = before;
        }
    }

    private static int Compare(ByteString left, ByteString right) => left.Span.SequenceCompareTo(right.Span);
}
