using System.Text;
using CsCheck;
using Raft.KeyValue.Ports;

namespace Raft.Storage.Tests;

/// <summary>What every ordered store must do. Derive from it to hold another implementation to the same.</summary>
public abstract class OrderedStoreContract
{
    protected abstract IOrderedStore Create();

    [Fact]
    public void A_batch_is_seen_as_a_whole_and_in_its_order()
    {
        using var store = Create();
        Write(store, batch =>
        {
            batch.Put(B("a"), B("1"));
            batch.Put(B("a"), B("2"));
            batch.Put(B("b"), B("1"));
            batch.Delete(B("b"));
            batch.Put(B("c"), B("1"));
            batch.DeleteRange(B("c"), B("d"));
            batch.Put(B("c"), B("2"));
            batch.Put(B("empty"), B(""));
        });
        Assert.Equal(B("2"), store.Get(B("a")));
        Assert.Null(store.Get(B("b")));
        Assert.Equal(B("2"), store.Get(B("c")));
        Assert.Empty(store.Get(B("empty"))!);
        Assert.Null(store.Get(B("absent")));
    }

    [Fact]
    public void The_memory_of_a_batch_may_be_used_again_after_the_write()
    {
        using var store = Create();
        var (key, value) = (B("key"), B("value"));
        Write(store, batch => batch.Put(key, value));
        key[0] = value[0] = (byte)'?';
        Assert.Equal(B("value"), store.Get(B("key")));
    }

    [Fact]
    public void A_range_whose_end_is_not_after_its_start_deletes_nothing()
    {
        using var store = Create();
        Write(store, batch => batch.Put(B("b"), B("1")));
        Write(store, batch => batch.DeleteRange(B("c"), B("a")));
        Write(store, batch => batch.DeleteRange(B("b"), B("b")));
        Assert.Equal(B("1"), store.Get(B("b")));
    }

    [Fact]
    public void Keys_are_ordered_as_unsigned_bytes()
    {
        using var store = Create();
        byte[][] keys = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0], [255, 255]];
        Write(store, batch =>
        {
            foreach (var key in keys.Reverse())
            {
                batch.Put(key, key);
            }
        });
        Assert.Equal(keys, Keys(store));
    }

    [Fact]
    public void A_cursor_seeks_to_either_side_and_moves_both_ways()
    {
        using var store = Create();
        Write(store, batch =>
        {
            foreach (var key in new[] { "b", "d", "f" })
            {
                batch.Put(B(key), B(key + "!"));
            }
        });
        using var cursor = store.OpenCursor();
        Assert.Equal("b", Seek(cursor.SeekAtOrAfter(B("a")), cursor));
        Assert.Equal("b", Seek(cursor.SeekAtOrAfter(B("b")), cursor));
        Assert.Equal("d", Seek(cursor.SeekAtOrAfter(B("c")), cursor));
        Assert.False(cursor.SeekAtOrAfter(B("g")));
        Assert.False(cursor.SeekAtOrBefore(B("a")));
        Assert.Equal("b", Seek(cursor.SeekAtOrBefore(B("c")), cursor));
        Assert.Equal("f", Seek(cursor.SeekAtOrBefore(B("z")), cursor));
        Assert.Equal("d", Seek(cursor.MovePrevious(), cursor));
        Assert.Equal("d!", Encoding.UTF8.GetString(cursor.Value));
        Assert.Equal("f", Seek(cursor.MoveNext(), cursor));
        Assert.False(cursor.MoveNext());
        Assert.Equal("b", Seek(cursor.SeekAtOrAfter([]), cursor));
        Assert.False(cursor.MovePrevious());
    }

    [Fact]
    public void Views_and_cursors_stay_as_they_were_when_they_were_opened()
    {
        using var store = Create();
        Write(store, batch => batch.Put(B("a"), B("old")));
        using var view = store.OpenView();
        using var cursor = store.OpenCursor();
        Write(store, batch =>
        {
            batch.Put(B("a"), B("new"));
            batch.Put(B("b"), B("new"));
        });
        Assert.Equal(B("old"), view.Get(B("a")));
        Assert.Null(view.Get(B("b")));
        Assert.Equal([B("a")], Keys(view));
        Assert.True(cursor.SeekAtOrAfter([]));
        Assert.Equal(B("old"), cursor.Value.ToArray());
        Assert.False(cursor.MoveNext());
        Assert.Equal(B("new"), store.Get(B("a")));
    }

    [Fact]
    public void It_is_a_sorted_map_whatever_is_written() =>
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            using var store = Create();
            var model = new SortedDictionary<byte[], byte[]>(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)));
            for (var round = 0; round < 20; round++)
            {
                Write(store, batch => RandomBatch(random, batch, model));
                using var view = store.OpenView();
                var expected = model.ToList();
                Write(store, batch => RandomBatch(random, batch, model));
                Assert.Equal(expected.Select(pair => pair.Key), Keys(view));
                var probe = RandomKey(random);
                using var cursor = view.OpenCursor();
                var after = expected.Where(pair => pair.Key.AsSpan().SequenceCompareTo(probe) >= 0).Take(1).ToList();
                Assert.Equal(after.Count > 0, cursor.SeekAtOrAfter(probe));
                Assert.True(after.Count == 0 || cursor.Value.SequenceEqual(after[0].Value));
                var before = expected.Where(pair => pair.Key.AsSpan().SequenceCompareTo(probe) <= 0).TakeLast(1).ToList();
                Assert.Equal(before.Count > 0, cursor.SeekAtOrBefore(probe));
                Assert.True(before.Count == 0 || cursor.Value.SequenceEqual(before[0].Value));
                Assert.Equal(model.GetValueOrDefault(probe), store.Get(probe));
            }

            Assert.Equal(model.Keys, Keys(store));
        }, iter: 20, threads: 1);

    protected static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    protected static void Write(IOrderedStore store, Action<OrderedBatch> fill)
    {
        var batch = new OrderedBatch();
        fill(batch);
        store.Write(batch);
    }

    protected static List<byte[]> Keys(IOrderedReader reader)
    {
        var keys = new List<byte[]>();
        using var cursor = reader.OpenCursor();
        for (var there = cursor.SeekAtOrAfter([]); there; there = cursor.MoveNext())
        {
            keys.Add(cursor.Key.ToArray());
        }

        return keys;
    }

    private static string Seek(bool found, IOrderedCursor cursor) => found ? Encoding.UTF8.GetString(cursor.Key) : "nothing";

    private static byte[] RandomKey(Random random)
    {
        var key = new byte[random.Next(3)];
        for (var i = 0; i < key.Length; i++)
        {
            key[i] = (byte)(random.Next(4) * 85);
        }

        return key;
    }

    private static void RandomBatch(Random random, OrderedBatch batch, SortedDictionary<byte[], byte[]> model)
    {
        for (var count = random.Next(6); count > 0; count--)
        {
            var key = RandomKey(random);
            switch (random.Next(6))
            {
                case 0:
                    batch.Delete(key);
                    model.Remove(key);
                    break;
                case 1:
                    var until = RandomKey(random);
                    batch.DeleteRange(key, until);
                    foreach (var gone in model.Keys
                        .Where(k => k.AsSpan().SequenceCompareTo(key) >= 0 && k.AsSpan().SequenceCompareTo(until) < 0).ToList())
                    {
                        model.Remove(gone);
                    }

                    break;
                default:
                    var value = new byte[random.Next(20)];
                    random.NextBytes(value);
                    batch.Put(key, value);
                    model[key] = value;
                    break;
            }
        }
    }
}
