using CsCheck;

namespace Raft.KeyValue.Tests;

/// <summary>Members are compared by hashes although one may have compacted, or applied, more than the other.</summary>
public sealed class HashTests
{
    [Fact]
    public void Two_stores_hash_alike_over_what_both_can_read_however_far_each_has_come() =>
        Gen.Select(Gen.Int[0, 40], Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Int[1, 50]).Sample((ahead, firstCompaction, secondCompaction, steps) =>
        {
            var (behind, further) = (new TestStore(), new TestStore());
            for (var i = 0; i < 40 + ahead; i++)
            {
                Change(further, i);
                if (i < 40) Change(behind, i);
            }

            Compact(behind, firstCompaction, steps);
            Compact(further, secondCompaction, steps);
            var revision = Math.Min(behind.Revision, further.Revision);
            var compacted = Math.Max(behind.Store.CompactedRevision, further.Store.CompactedRevision);
            if (compacted > revision) return;

            Assert.Equal(Between(behind, compacted, revision), Between(further, compacted, revision));
        }, iter: 300);

    [Fact]
    public void What_one_store_lacks_or_holds_otherwise_shows_as_long_as_it_can_be_read()
    {
        var (one, other) = (new TestStore(), new TestStore());
        one.Put("a", "1");
        other.Put("a", "2");
        foreach (var store in new[] { one, other })
        {
            store.Put("b", "1");
            store.Put("a", "3");
        }

        Assert.NotEqual(Between(one, -1, 4), Between(other, -1, 4));
        Assert.NotEqual(Between(one, 3, 4), Between(other, 3, 4));
        Assert.Equal(Between(one, 4, 4), Between(other, 4, 4));
    }

    [Fact]
    public void It_is_the_hash_that_clients_get_and_tells_how_much_it_has_read()
    {
        var store = new TestStore();
        store.Put("a", "1");
        store.Put("a", "2");
        var read = 0;
        using var view = store.Store.OpenView();

        Assert.Equal(view.HashKv(0).Response!.Hash, view.HashBetween(-1, 3, bytes => read += bytes));

        Assert.True(read > 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.HashBetween(-1, 4, _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.HashBetween(3, 2, _ => { }));
    }

    private static uint Between(TestStore store, long compacted, long revision)
    {
        using var view = store.Store.OpenView();
        return view.HashBetween(compacted, revision, _ => { });
    }

    /// <summary>The same of the same number, on every store.</summary>
    private static void Change(TestStore store, int number)
    {
        var key = ((char)('a' + (number % 5))).ToString();
        if (number % 7 == 3) store.Delete(key);
        else store.Put(key, $"{number}");
    }

    private static void Compact(TestStore store, int perMille, int steps)
    {
        if (perMille == 0) return;
        store.Compact(Math.Max(1, store.Revision * perMille / 1000));
        var transaction = store.Store.Begin();
        transaction.CompactStep(steps);
        transaction.Commit();
    }
}
