using CsCheck;
using Raft.InMemory;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests;

/// <summary>A key with many versions: each of them is found, and none takes long.</summary>
public sealed class HistoryTests
{
    [Fact]
    public void Every_version_of_a_key_with_many_is_found_whatever_was_compacted() =>
        Gen.Select(Gen.Int[1, 150], Gen.Int, Gen.Int[0, 150], Gen.Int[1, 40]).Sample((changes, seed, compacted, step) =>
        {
            var (store, random) = (new TestStore(), new Random(seed));
            var expected = new Dictionary<long, string?> { [1] = null };
            for (var change = 0; change < changes; change++)
            {
                if (random.Next(8) == 0) store.Delete("a");
                else store.Put("a", $"{change}");
                expected[store.Revision] = store.Get("a");
                if (random.Next(3) == 0) store.Put("b", "x");
                expected.TryAdd(store.Revision, store.Get("a"));
                if (change == compacted)
                {
                    store.Compact(Math.Max(1, store.Revision - random.Next(60)));
                    store.CompactPhysically(step);
                }
            }

            foreach (var (revision, value) in expected)
            {
                if (revision < store.Store.CompactedRevision) continue;
                Assert.Equal(value, store.Get("a", revision));
                var range = store.TryRange(new RangeRequest { Key = Bytes("a"), RangeEnd = Bytes("b"), Revision = revision }).Response!;
                Assert.Equal(value, range.Kvs.SingleOrDefault()?.Value.ToStringUtf8());
            }
        }, iter: 300);

    [Fact]
    public void The_oldest_of_a_thousand_versions_takes_as_few_reads_as_any()
    {
        var disk = new ReadCountingStore();
        using var store = new KeyValueStore(disk);
        for (var version = 1; version <= 1_000; version++)
        {
            var transaction = store.Begin();
            transaction.Apply(new() { Put = new() { Key = Bytes("a"), Value = Bytes($"{version}") } });
            transaction.Commit();
        }

        using var view = store.OpenView();
        var most = 0;
        for (var revision = 2; revision <= 1_001; revision += 37)
        {
            disk.Reads = 0;
            var pair = view.Range(new RangeRequest { Key = Bytes("a"), Revision = revision }).Response!.Kvs[0];
            Assert.Equal($"{revision - 1}", pair.Value.ToStringUtf8());
            most = Math.Max(most, disk.Reads);
        }

        Assert.InRange(most, StoredVersion.IndexInterval, (2 * StoredVersion.IndexInterval) + 2);
    }

    [Fact]
    public void A_store_in_another_format_is_refused_and_says_what_to_do()
    {
        var store = new TestStore();
        store.Put("a", "1");
        var state = store.Disk.Get(KeyLayout.State.Span)!;
        foreach (var record in new[] { state[..^1], [1, .. state[1..]], [] })
        {
            var batch = new OrderedBatch();
            batch.Put(KeyLayout.State, record);
            store.Disk.Write(batch);
            var refusal = Assert.Throws<InvalidDataException>(() => new KeyValueStore(store.Disk));
            Assert.Contains("empty data directory", refusal.Message, StringComparison.Ordinal);
        }
    }

    private sealed class ReadCountingStore : IOrderedStore
    {
        private readonly InMemoryOrderedStore _below = new();

        public int Reads { get; set; }

        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            Reads++;
            return _below.Get(key);
        }

        public IOrderedCursor OpenCursor() => _below.OpenCursor();

        public IOrderedReader OpenView() => this;

        public void Write(OrderedBatch batch) => _below.Write(batch);

        public void Dispose()
        {
        }
    }
}
