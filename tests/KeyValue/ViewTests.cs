using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests;

public sealed class ViewTests
{
    [Fact]
    public void Readers_between_two_commits_share_one_view_of_the_ordered_store_and_none_is_left_open()
    {
        var disk = new CountingStore();
        using (var store = new KeyValueStore(disk))
        {
            Put(store, "1");
            using (store.OpenView())
            using (store.OpenView())
                Assert.Equal(1, disk.Opened);
            using (store.OpenView()) Assert.Equal(1, disk.Opened);

            using var before = store.OpenView();
            Put(store, "2");
            using var after = store.OpenView();
            Assert.Equal((2, 3), (before.Revision, after.Revision));
            Assert.Equal(2, disk.Opened);
        }
        Assert.Equal(disk.Opened, disk.Closed);
    }

    [Fact]
    public void A_view_is_closed_once_however_often_it_is_disposed_of()
    {
        var disk = new CountingStore();
        using var store = new KeyValueStore(disk);
        var view = store.OpenView();
        view.Dispose();
        view.Dispose();
        using var other = store.OpenView();
        Assert.Equal((1, 0), (disk.Opened, disk.Closed));
        Assert.Throws<ObjectDisposedException>(() => view.Range(new RangeRequest { Key = TestStore.Bytes("a") }));
    }

    /// <summary>What was committed before a view is asked for is in it: a linearizable read hangs on this.</summary>
    [Fact]
    public async Task A_view_is_never_older_than_the_last_commit_before_it()
    {
        const int Commits = 5000;
        var disk = new CountingStore();
        var committed = 0L;
        using (var store = new KeyValueStore(disk))
        {
            var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                for (var seen = 0L; seen < Commits;)
                {
                    seen = Volatile.Read(ref committed);
                    using var view = store.OpenView();
                    Assert.InRange(view.Revision, seen + 1, long.MaxValue);
                }
            })).ToArray();
            for (var number = 1; number <= Commits; number++)
            {
                Put(store, "x");
                Volatile.Write(ref committed, number);
            }
            await Task.WhenAll(readers);
        }
        Assert.Equal(disk.Opened, disk.Closed);
    }

    private static void Put(KeyValueStore store, string value)
    {
        var transaction = store.Begin();
        transaction.Apply(new Command { Put = new PutRequest { Key = TestStore.Bytes("a"), Value = TestStore.Bytes(value) } });
        transaction.Commit();
    }

    private sealed class CountingStore : IOrderedStore
    {
        private readonly InMemoryOrderedStore _store = new();
        private int _opened;
        private int _closed;

        public int Opened => Volatile.Read(ref _opened);

        public int Closed => Volatile.Read(ref _closed);

        public IOrderedReader OpenView()
        {
            Interlocked.Increment(ref _opened);
            return new View(this, _store.OpenView());
        }

        public void Write(OrderedBatch batch) => _store.Write(batch);

        public byte[]? Get(ReadOnlySpan<byte> key) => _store.Get(key);

        public IOrderedCursor OpenCursor() => _store.OpenCursor();

        public void Dispose()
        {
        }

        private sealed class View(CountingStore store, IOrderedReader view) : IOrderedReader
        {
            public byte[]? Get(ReadOnlySpan<byte> key) => view.Get(key);

            public IOrderedCursor OpenCursor() => view.OpenCursor();

            public void Dispose()
            {
                Interlocked.Increment(ref store._closed);
                view.Dispose();
            }
        }
    }
}
