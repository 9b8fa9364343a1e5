using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.Protocol.Etcd.RangeRequest.Types;

namespace Raft.KeyValue.Reading;

/// <summary>
/// One range in pages of a bounded size (etcd 3.7: RangeStream). Put together they are what <see cref="StoreView.Range"/> answers; header,
/// count and whether there is more come with the last. Each page is read through a view of its own, so that a slow reader holds
/// nothing back, and all of them at the revision of the first; so a page may be refused because that was compacted meanwhile.
/// Only ranges in the order of keys come in pages: all others have to be complete before they can be sorted or filtered.
/// </summary>
/// <param name="request">The range.</param>
/// <param name="pageBytesMax">A page ends with the first pair with which it holds so many bytes.</param>
public sealed class RangePages(RangeRequest request, int pageBytesMax)
{
    private ByteString _from = request.Key;
    private long _revision = request.Revision;
    private long _count;

    /// <summary>Whether the last page was read.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The first page is all, of whatever size.</summary>
    public bool IsOnePage { get; } = request.RangeEnd.IsEmpty || request.CountOnly || RangeQuery.IsFiltered(request)
        || request.SortTarget != SortTarget.Key || request.SortOrder == SortOrder.Descend;

    /// <summary>Reads the next page.</summary>
    /// <param name="view">The state now.</param>
    /// <param name="identity">Who asks; null: nobody in particular, which is refused while authentication is on.</param>
    /// <param name="read">As in <see cref="StoreView.Range"/>, if it is one page.</param>
    public StoreResult<RangeResponse> Next(StoreView view, AuthIdentity? identity = null, Action<int>? read = null)
    {
        if (IsComplete) throw new InvalidOperationException("There is no further page.");
        var range = new KeyRange(_from, request.RangeEnd);
        if (IsOnePage || range.IsEmpty)
        {
            var page = view.Range(request, identity, read);
            IsComplete = true;
            return page;
        }

        if (view.Refusal(request, identity) is { } refusal) return refusal;
        if (_revision <= 0) _revision = view.Revision;
        if (RangeQuery.CheckRevision(_revision, view.Revision, view.CompactedRevision) is { } gone) return gone;
        return Read(view, range);
    }

    private RangeResponse Read(StoreView view, KeyRange range)
    {
        var page = new RangeResponse();
        using var scan = RangeQuery.Scan(view.Reader, range, _revision, view.Revision);
        for (var bytes = 0; scan.MoveNext(); _count++)
        {
            if (request.Limit > 0 && _count >= request.Limit)
            {
                // The rest is only counted.
                page.More = true;
                continue;
            }

            var pair = new StoredPair(scan.Pair);
            if (bytes >= pageBytesMax)
            {
                _from = ByteString.CopyFrom(pair.Key);
                return page;
            }

            bytes += request.KeysOnly ? pair.Key.Length : scan.Pair.Length;
            page.Kvs.Add(pair.ToMessage(request.KeysOnly));
        }

        IsComplete = true;
        (page.Header, page.Count) = (new ResponseHeader { Revision = view.Revision }, _count);
        return page;
    }
}
