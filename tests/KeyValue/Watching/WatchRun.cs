using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>One run of the model: limits so small that every way through the hub is taken.</summary>
internal sealed class WatchRun : IDisposable
{
    private static readonly string[] Keys = ["a", "aa", "ab", "b", "c"];

    private readonly Random _random;
    private readonly KeyValueStore _store = new(new InMemoryOrderedStore());
    private readonly WatchHub _hub;
    private readonly List<StoreEvent> _history = [];
    private readonly List<WatchingClient> _clients = [];

    public WatchRun(int seed)
    {
        _random = new Random(seed);
        _hub = new WatchHub(_store, new WatchLimits
        {
            StreamBytesMax = _random.Next(50, 400),
            AnswerBytesMax = _random.Next(20, 200),
            CatchUpChanges = _random.Next(1, 6),
            PublishedBytesMax = _random.Next(100, 2000),
        });
    }

    public void Run(int steps)
    {
        for (var step = 0; step < steps; step++) Step();
        _hub.Dispatch();
        foreach (var client in _clients) client.Drain();
        foreach (var client in _clients) client.CheckAll(_history, _store.CompactedRevision);
    }

    public void Dispose() => _store.Dispose();

    private void Step()
    {
        switch (_random.Next(12))
        {
            case <= 3: Write(); break;
            case 4: _hub.Dispatch(); break;
            case 5: Any()?.Channel.RequestProgress(); break;
            case 6 when _random.Next(3) == 0: Compact(); break;
            case 7: Watch(); break;
            case 8 when _random.Next(4) == 0: Any()?.CancelOne(_random); break;
            case 9 or 10: _hub.CatchUp(); break;
            default: Any()?.Read(_random, _history); break;
        }
    }

    private WatchingClient? Any() => _clients.Count == 0 ? null : _clients[_random.Next(_clients.Count)];

    private void Write()
    {
        var transaction = _store.Begin();
        for (var commands = _random.Next(1, 4); commands > 0; commands--) transaction.Apply(AnyCommand());
        transaction.Commit();
        _history.AddRange(transaction.Events);
        if (_random.Next(15) == 0) _hub.Reloaded();
        else _hub.Publish(transaction.Events, _store.Revision);
    }

    private Command AnyCommand()
    {
        var key = Bytes(Keys[_random.Next(Keys.Length)]);
        return _random.Next(5) switch
        {
            // A sibling deletes what has just been put: etcd allows it between nested transactions.
            4 => new() { Txn = new() { Success = { Nested(new() { RequestPut = Put(key) }), Nested(new() { RequestDeleteRange = new() { Key = key } }) } } },
            0 => new() { DeleteRange = new() { Key = key, RangeEnd = _random.Next(2) == 0 ? ByteString.Empty : Bytes("b") } },
            1 => new() { Txn = new() { Success = { Keys.Take(_random.Next(1, 4)).Select(one => new RequestOp { RequestPut = Put(Bytes(one)) }) } } },
            _ => new() { Put = Put(key) },
        };
    }

    private static RequestOp Nested(RequestOp operation) => new() { RequestTxn = new() { Success = { operation } } };

    private PutRequest Put(ByteString key) => new() { Key = key, Value = Bytes(new string('v', _random.Next(40))) };

    private void Compact()
    {
        if (_store.Revision <= 2) return;
        var transaction = _store.Begin();
        transaction.Apply(new Command { Compact = new() { Revision = _random.NextInt64(1, _store.Revision + 1) } });
        transaction.CompactStep(_random.Next(1, 100));
        transaction.Commit();
        _hub.Publish(transaction.Events, _store.Revision);
    }

    private void Watch()
    {
        if (_clients.Count == 0 || _random.Next(4) == 0) _clients.Add(new WatchingClient(_hub));
        var request = new WatchCreateRequest
        {
            Key = Bytes(Keys[_random.Next(Keys.Length)]),
            RangeEnd = _random.Next(3) switch { 0 => ByteString.Empty, 1 => ByteString.CopyFrom(0), _ => Bytes("d") },
            StartRevision = _random.Next(3) == 0 ? 0 : _random.NextInt64(1, _store.Revision + 4),
            PrevKv = _random.Next(2) == 0,
        };
        if (_random.Next(4) == 0) request.Filters.Add((WatchCreateRequest.Types.FilterType)_random.Next(2));
        Any()!.Watch(request, _store.Revision);
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
