using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>What happens while a stream reads the past, between the two times that it looks at the hub.</summary>
public sealed class CatchUpRaceTests
{
    [Fact]
    public void A_change_that_is_dispatched_while_the_past_is_read_is_not_lost()
    {
        using var disk = new InterruptedStore();
        using var store = new KeyValueStore(disk);
        var hub = new WatchHub(store, new WatchLimits());
        Put(store, hub, "1");
        using var stream = hub.OpenChannel(static () => { });
        stream.Create(new WatchCreateRequest { Key = ByteString.CopyFromUtf8("a"), StartRevision = 1 });

        // The stream reads a view of the first put when the second is made, and passed on to those who are told as it happens.
        disk.BeforeCursor = () => Put(store, hub, "2");
        Assert.True(stream.CatchUp());
        Assert.Null(disk.BeforeCursor);

        Put(store, hub, "3");
        Assert.Equal(["1", "2", "3"], ReadAll(stream));
    }

    private static void Put(KeyValueStore store, WatchHub hub, string value)
    {
        var transaction = store.Begin();
        transaction.Apply(new Command { Put = new PutRequest { Key = ByteString.CopyFromUtf8("a"), Value = ByteString.CopyFromUtf8(value) } });
        transaction.Commit();
        hub.Publish(transaction.Events, store.Revision);
        hub.Dispatch();
    }

    private static List<string> ReadAll(WatchChannel stream)
    {
        var values = new List<string>();
        do
        {
            while (stream.TryTake(out var answer))
            {
                var events = WatchResponse.Parser.ParseFrom(answer.Events.SelectMany(static field => field.ToArray()).ToArray()).Events;
                values.AddRange(events.Select(static change => change.Kv.Value.ToStringUtf8()));
            }
        }
        while (stream.CatchUp());
        return values;
    }

    /// <summary>Lets something happen, once, before a view of it is walked.</summary>
    private sealed class InterruptedStore : IOrderedStore
    {
        private readonly InMemoryOrderedStore _store = new();

        public Action? BeforeCursor { get; set; }

        public IOrderedReader OpenView() => new View(this, _store.OpenView());

        public void Write(OrderedBatch batch) => _store.Write(batch);

        public byte[]? Get(ReadOnlySpan<byte> key) => _store.Get(key);

        public IOrderedCursor OpenCursor() => _store.OpenCursor();

        public void Dispose() => _store.Dispose();

        private sealed class View(InterruptedStore of, IOrderedReader view) : IOrderedReader
        {
            public byte[]? Get(ReadOnlySpan<byte> key) => view.Get(key);

            public IOrderedCursor OpenCursor()
            {
                var happens = of.BeforeCursor;
                of.BeforeCursor = null;
                happens?.Invoke();
                return view.OpenCursor();
            }

            public void Dispose() => view.Dispose();
        }
    }
}
