using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.RangeRequest.Types;
using PairMessage = Raft.Protocol.Etcd.KeyValue;

namespace Raft.KeyValue.Reading;

/// <summary>
/// etcd's Range: fetch in key order, filter by revisions, sort, limit; the count ignores filters and limit.
/// Counting walks the whole range, O(n), until there is a count index.
/// </summary>
internal sealed class RangeQuery
{
    private readonly RangeRequest _request;
    private readonly long _fetchMax;
    private readonly Action<int>? _read;
    private readonly List<PairMessage> _pairs = [];
    private long _count;

    private RangeQuery(RangeRequest request, Action<int>? read)
    {
        (_request, _read) = (request, read);
        _fetchMax = FetchMax(request);
    }

    /// <summary>Why a range at this revision can't be answered, or null.</summary>
    public static StoreError? CheckRevision(long revision, long current, long compacted) =>
        revision > current ? StoreError.FutureRevision
        : revision > 0 && revision < compacted ? StoreError.Compacted
        : null;

    /// <param name="reader">The state.</param>
    /// <param name="request">The range.</param>
    /// <param name="current">The newest revision.</param>
    /// <param name="compacted">The oldest.</param>
    /// <param name="read">Is told of the bytes of each pair that is gathered; what it throws ends the range.</param>
    public static StoreResult<RangeResponse> Run(
        IStateReader reader, RangeRequest request, long current, long compacted, Action<int>? read = null)
    {
        if (CheckRevision(request.Revision, current, compacted) is { } refusal) return refusal;
        var query = new RangeQuery(request, read);
        query.Fetch(reader, request.Revision > 0 ? request.Revision : current, current);
        return query.Respond(current);
    }

    /// <summary>
    /// Filters and sorting need every pair. A sort target without an order does not: etcd then sorts what the limit let
    /// through, and so do we.
    /// </summary>
    private static long FetchMax(RangeRequest request)
    {
        if (request.CountOnly) return 0;
        var needsAll = IsFiltered(request)
            || (request.SortOrder != SortOrder.None && !(request.SortOrder == SortOrder.Ascend && request.SortTarget == SortTarget.Key));
        return needsAll || request.Limit is <= 0 or long.MaxValue ? long.MaxValue : request.Limit + 1;
    }

    public static bool IsFiltered(RangeRequest request) =>
        (request.MinModRevision | request.MaxModRevision | request.MinCreateRevision | request.MaxCreateRevision) != 0;

    private void Fetch(IStateReader reader, long revision, long current)
    {
        var range = new KeyRange(_request.Key, _request.RangeEnd);
        if (range.IsOneKey)
        {
            if (PairLookup.TryGetAt(reader, range.First, revision, out var pair)) Take(pair.Span);
            return;
        }
        if (range.IsEmpty) return;
        using var scan = Scan(reader, range, revision, current);
        while (scan.MoveNext()) Take(scan.Pair);
    }

    /// <summary>The pairs of a range at a revision, in the order of keys.</summary>
    public static IPairScan Scan(IStateReader reader, KeyRange range, long revision, long current) =>
        revision == current ? new PresentScan(reader, range) : new PastScan(reader, range, revision);

    private void Take(ReadOnlySpan<byte> encoded)
    {
        _count++;
        if (_pairs.Count >= _fetchMax) return;
        var pair = new StoredPair(encoded);
        if (!Passes(pair)) return;
        var withoutValue = _request.KeysOnly && _request.SortTarget != SortTarget.Value;
        _read?.Invoke(withoutValue ? pair.Key.Length : encoded.Length);
        _pairs.Add(pair.ToMessage(withoutValue));
    }

    private bool Passes(StoredPair pair) =>
        (_request.MaxModRevision == 0 || pair.ModRevision <= _request.MaxModRevision)
        && (_request.MinModRevision == 0 || pair.ModRevision >= _request.MinModRevision)
        && (_request.MaxCreateRevision == 0 || pair.CreateRevision <= _request.MaxCreateRevision)
        && (_request.MinCreateRevision == 0 || pair.CreateRevision >= _request.MinCreateRevision);

    private RangeResponse Respond(long current)
    {
        var response = new RangeResponse { Header = new ResponseHeader { Revision = current }, Count = _count };
        var sorted = Sorted();
        if (_request.Limit > 0 && sorted.Count > _request.Limit)
        {
            response.More = true;
            sorted.RemoveRange((int)_request.Limit, sorted.Count - (int)_request.Limit);
        }
        if (_request.KeysOnly)
            foreach (var pair in sorted) pair.Value = ByteString.Empty;
        response.Kvs.AddRange(sorted);
        return response;
    }

    /// <summary>Stable, so that equal pairs stay in key order in either direction.</summary>
    private List<PairMessage> Sorted()
    {
        if (_request.SortTarget == SortTarget.Key)
        {
            if (_request.SortOrder == SortOrder.Descend) _pairs.Reverse();
            return _pairs;
        }
        Comparer<PairMessage> comparer = Comparer<PairMessage>.Create(_request.SortTarget switch
        {
            SortTarget.Version => (left, right) => left.Version.CompareTo(right.Version),
            SortTarget.Create => (left, right) => left.CreateRevision.CompareTo(right.CreateRevision),
            SortTarget.Mod => (left, right) => left.ModRevision.CompareTo(right.ModRevision),
            _ => (left, right) => left.Value.Span.SequenceCompareTo(right.Value.Span),
        });
        var ordered = _request.SortOrder == SortOrder.Descend
            ? _pairs.OrderDescending(comparer)
            : _pairs.Order(comparer);
        return [.. ordered];
    }
}
