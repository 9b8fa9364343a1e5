using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>What happens while a watch begins.</summary>
public sealed class WatchBeginTests : IDisposable
{
    private readonly InterruptedStore _disk = new();
    private readonly KeyValueStore _store;
    private readonly WatchHub _hub;

    public WatchBeginTests()
    {
        _store = new KeyValueStore(_disk);
        _hub = new WatchHub(_store, new WatchLimits { WatchersMax = 1 });
    }

    public void Dispose()
    {
        _store.Dispose();
        _disk.Dispose();
    }

    /// <summary>
    /// The story: a member's first watch looked at the state before it was counted. What was committed in between was published for
    /// nobody, and the watch, which took itself for up to date, never told it.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_change_that_is_committed_while_the_first_watch_begins_is_told(long startRevision)
    {
        using var channel = _hub.OpenChannel(static () => { });
        _disk.AfterNextView = () => Put("while it begins");
        channel.Create(new() { Key = Bytes("a"), StartRevision = startRevision });
        Put("later");
        _hub.Dispatch();
        Assert.Equal(2, Told(channel));
    }

    [Fact]
    public void A_watch_that_is_refused_takes_no_place()
    {
        using var channel = _hub.OpenChannel(static () => { });
        channel.Create(new() { Key = Bytes("b"), RangeEnd = Bytes("a") });
        Assert.Equal(0, _hub.Watchers);
        channel.Create(new() { Key = Bytes("a") });
        channel.Create(new() { Key = Bytes("a") });
        Assert.Equal(1, _hub.Watchers);
    }

    private int Told(WatchChannel channel)
    {
        var told = 0;
        do
        {
            while (channel.TryTake(out var answer)) told += answer.Events.Count;
        }
        while (_hub.CatchUp());
        return told;
    }

    private void Put(string value)
    {
        var transaction = _store.Begin();
        transaction.Apply(new Command { Put = new PutRequest { Key = Bytes("a"), Value = Bytes(value) } });
        transaction.Commit();
        _hub.Publish(transaction.Events, _store.Revision);
    }

    /// <summary>Lets something happen right after a view of it was opened.</summary>
    private sealed class InterruptedStore : IOrderedStore
    {
        private readonly InMemoryOrderedStore _below = new();

        public Action? AfterNextView { get; set; }

        public byte[]? Get(ReadOnlySpan<byte> key) => _below.Get(key);

        public IOrderedCursor OpenCursor() => _below.OpenCursor();

        public IOrderedReader OpenView()
        {
            var view = _below.OpenView();
            var after = AfterNextView;
            AfterNextView = null;
            after?.Invoke();
            return view;
        }

        public void Write(OrderedBatch batch) => _below.Write(batch);

        public void Dispose() => _below.Dispose();
    }
}
