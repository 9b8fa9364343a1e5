using Google.Protobuf;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>A client with some watches on one channel: remembers what it was told, and checks it.</summary>
internal sealed class WatchingClient
{
    private readonly WatchHub _hub;
    private readonly List<Seen> _watches = [];

    public WatchingClient(WatchHub hub) => (_hub, Channel) = (hub, hub.OpenChannel(static () => { }));

    public WatchChannel Channel { get; }

    public void Watch(WatchCreateRequest request, long current)
    {
        _watches.Add(new Seen(request, request.StartRevision == 0 ? current + 1 : request.StartRevision));
        Channel.Create(request);
    }

    public void CancelOne(Random random)
    {
        var open = _watches.FindAll(static watch => watch is { Id: not null, IsCanceled: false });
        if (open.Count > 0) Channel.Cancel(open[random.Next(open.Count)].Id!.Value);
    }

    public void Read(Random random, IReadOnlyList<StoreEvent> history)
    {
        for (var count = random.Next(4); count > 0 && Channel.TryTake(out var answer); count--) Take(answer, history);
    }

    public void Drain()
    {
        do
        {
            while (Channel.TryTake(out var answer)) Take(answer, history: null);
        }
        while (_hub.CatchUp());
    }

    public void CheckAll(IReadOnlyList<StoreEvent> history, long compacted)
    {
        foreach (var watch in _watches)
        {
            var expected = watch.Expected(history).ToList();
            if (!watch.IsCanceled) Assert.Equal(expected.Count, watch.Events.Count);
            if (watch.CompactRevision > 0)
            {
                Assert.InRange(watch.CompactRevision, 1, compacted);
                if (watch.Events.Count < expected.Count) Assert.InRange(expected[watch.Events.Count].Revision, 1, long.MaxValue);
            }
            for (var at = 0; at < watch.Events.Count; at++) watch.Check(at, expected[at], compacted);
        }
    }

    private void Take(WatchAnswer answer, IReadOnlyList<StoreEvent>? history)
    {
        if (answer.WatchId == WatchAnswer.NoWatch)
        {
            foreach (var open in history is null ? [] : _watches.Where(static watch => watch is { Id: not null, IsCanceled: false }))
                Assert.Equal(open.Expected(history!).Count(change => change.Revision <= answer.Revision), open.Events.Count(change => change.Kv.ModRevision <= answer.Revision));
            return;
        }
        if (answer.IsCreated)
        {
            _watches.First(static watch => watch.Id is null).Id = answer.WatchId;
            return;
        }
        var of = _watches.Single(watch => watch.Id == answer.WatchId);
        Assert.False(of.IsCanceled);
        of.IsCanceled = answer.IsCanceled;
        of.CompactRevision = answer.CompactRevision;
        var response = WatchResponse.Parser.ParseFrom(answer.Events.SelectMany(static field => field.ToArray()).ToArray());
        if (response.Events.Count == 0) return;
        if (of.Events.Count > 0) Assert.True(of.Events[^1].Kv.ModRevision < response.Events[0].Kv.ModRevision, "a revision was split");
        Assert.Equal(response.Events[^1].Kv.ModRevision, answer.Revision);
        of.Events.AddRange(response.Events);
    }

    private sealed class Seen(WatchCreateRequest request, long start)
    {
        private readonly WatchedRange _range = WatchedRange.Of(request.Key, request.RangeEnd);

        public long? Id { get; set; }

        public bool IsCanceled { get; set; }

        public long CompactRevision { get; set; }

        public List<Event> Events { get; } = [];

        public IEnumerable<StoreEvent> Expected(IEnumerable<StoreEvent> history) => history.Where(change =>
            change.Revision >= start && _range.Contains(change.Key)
            && !request.Filters.Contains(change.Type == Event.Types.EventType.Put
                ? WatchCreateRequest.Types.FilterType.Noput : WatchCreateRequest.Types.FilterType.Nodelete));

        public void Check(int at, StoreEvent expected, long compacted)
        {
            var seen = Events[at];
            var wanted = expected.ToMessage(request.PrevKv);
            if (seen.PrevKv is null && expected.Revision <= compacted) wanted.PrevKv = null;
            Assert.Equal(JsonFormatter.Default.Format(wanted), JsonFormatter.Default.Format(seen));
        }
    }
}
