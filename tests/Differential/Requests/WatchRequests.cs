using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.WatchCreateRequest.Types;

namespace Raft.Differential.Tests.Requests;

/// <summary>Watchers from the past, from now on and from the future, on a few streams.</summary>
/// <param name="draw">Decides.</param>
/// <param name="keys">The keys that are watched.</param>
/// <param name="isGuarded">Whether permissions count: etcd checks only the first key of a watch without an end (see docs/compatibility.md).</param>
internal sealed class WatchRequests(Draw draw, KvRequests keys, bool isGuarded)
{
    /// <summary>The farthest that a watcher may start in the future: no farther than the end of a sequence makes sure to get.</summary>
    public const int AheadMax = 3;

    /// <param name="user">Whose token a stream has that this opens.</param>
    public WatchStep Any(string? user) => draw.Weighted<WatchStep>(
        (10, () => new(draw.Below(2), new() { CreateRequest = Create() }, user)),
        (1, Future),
        (3, () => new(draw.Below(2), new() { CancelRequest = new() { WatchId = draw.Between(-1, 4) } }, user)),
        (2, () => new(draw.Below(2), new() { ProgressRequest = new() }, user)));

    private int _ownIds = 20;

    private WatchCreateRequest Create()
    {
        var start = draw.Weighted<long>((4, () => 0), (1, () => draw.Of(1L, -1L)), (5, () => Symbols.Revision(-draw.Below(12))));
        var request = new WatchCreateRequest
        {
            Key = keys.Key(),
            RangeEnd = keys.End() is var end && isGuarded && end is [0] ? ByteString.Empty : end,
            StartRevision = start,
            PrevKv = draw.Percent(40),
            Fragment = draw.Percent(30),
            ProgressNotify = draw.Percent(30),
            WatchId = start != 0 ? ++_ownIds : draw.Percent(20) ? draw.Of(-2, 1, 2, 3, 4) : 0,
        };
        foreach (var filter in new[] { FilterType.Noput, FilterType.Nodelete })
            if (draw.Percent(15)) request.Filters.Add(filter);
        return request;
    }

    private WatchStep Future()
    {
        var request = Create();
        request.StartRevision = Symbols.Revision(draw.Between(1, AheadMax));
        // What came before an event is looked up when it is sent, and may be compacted by then: this stream is not waited for.
        request.PrevKv = false;
        return new(WatchStep.FutureStream, new() { CreateRequest = request });
    }
}
