using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests;

public sealed class CompactionTests
{
    private readonly TestStore _store = new();

    public CompactionTests()
    {
        for (var round = 1; round <= 4; round++) _store.Put("a", $"{round}");
        _store.Put("b", "1");
        _store.Delete("b");
    }

    [Fact]
    public void The_compacted_revision_stays_readable_and_those_below_do_not()
    {
        _store.Compact(4);
        Assert.Equal("3", _store.Get("a", revision: 4));
        Assert.Equal(StoreError.Compacted, _store.TryRange(new RangeRequest { Key = Bytes("a"), Revision = 3 }).Error);
        Assert.Equal(7, _store.Range("a").Header.Revision);
    }

    [Fact]
    public void Compaction_goes_forwards_only_and_not_into_the_future()
    {
        _store.Compact(4);
        Assert.Equal(StoreError.Compacted, _store.Refusal(new CompactionRequest { Revision = 4 }));
        Assert.Equal(StoreError.FutureRevision, _store.Refusal(new CompactionRequest { Revision = 8 }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public void Physical_compaction_leaves_the_living_and_the_changes_of_the_compacted_revision(int stepSize)
    {
        for (var round = 0; round < 40; round++) _store.Put("hot", $"{round}");
        Assert.True(CountOf('i') > 1);
        _store.Compact(_store.Revision);
        Assert.True(_store.Store.HasCompactionWork);
        _store.CompactPhysically(stepSize);

        Assert.False(_store.Store.HasCompactionWork);
        Assert.Equal((2, 0, 1), (CountOf('k'), CountOf('i'), CountOf('H')));
        Assert.Equal(("4", "39"), (_store.Get("a"), _store.Get("hot")));
    }

    [Fact]
    public void A_step_removes_no_more_than_it_was_allowed()
    {
        _store.Compact(7);
        var before = CountOf('H');
        var transaction = _store.Store.Begin();
        Assert.True(transaction.CompactStep(2));
        transaction.Commit();
        Assert.Equal(before - 2, CountOf('H'));
    }

    [Fact]
    public void Physical_compaction_goes_on_where_it_was_after_a_restart()
    {
        _store.Compact(7);
        var transaction = _store.Store.Begin();
        transaction.CompactStep(2);
        transaction.Commit();

        var reopened = new KeyValueStore(_store.Disk);
        var rest = reopened.Begin();
        Assert.False(rest.CompactStep(3));
        rest.Commit();
        Assert.Equal(1, CountOf('H'));
    }

    [Fact]
    public void A_revision_with_many_changes_is_compacted_in_bounded_steps()
    {
        for (var key = 0; key < 50; key++) _store.Put($"many/{key}", "x");
        _store.Delete("many/", "many0");
        _store.Put("after", "x");
        _store.Compact(_store.Revision - 1);
        _store.CompactPhysically(7);
        Assert.Equal((52, 51), (CountOf('k'), CountOf('H')));
        _store.Compact(_store.Revision);
        _store.CompactPhysically(7);
        Assert.Equal((2, 1), (CountOf('k'), CountOf('H')));
    }

    [Fact]
    public void A_view_opened_before_compaction_still_shows_the_past()
    {
        _store.Put("c", "1");
        using var view = _store.Store.OpenView();
        _store.Compact(8);
        _store.CompactPhysically();
        Assert.Empty(_store.Range("b").Kvs);
        Assert.Equal("1", view.Range(new RangeRequest { Key = Bytes("a"), Revision = 2 }).Response!.Kvs[0].Value.ToStringUtf8());
        Assert.Equal("1", view.Range(new RangeRequest { Key = Bytes("b"), Revision = 6 }).Response!.Kvs[0].Value.ToStringUtf8());
    }

    [Fact]
    public void A_key_that_comes_back_knows_its_past_before_the_delete_until_that_is_compacted()
    {
        _store.Put("b", "2");
        Assert.Equal(("1", null, "2"), (_store.Get("b", revision: 6), _store.Get("b", revision: 7), _store.Get("b", revision: 8)));
        _store.Compact(7);
        _store.CompactPhysically();
        Assert.Equal((null, "2"), (_store.Get("b", revision: 7), _store.Get("b", revision: 8)));
        Assert.Equal(1, _store.Range("b").Kvs[0].Version);
    }

    [Fact]
    public void The_hash_tells_different_histories_apart()
    {
        var other = new TestStore();
        for (var round = 1; round <= 4; round++) other.Put("a", $"{round}");
        other.Put("b", "1");
        other.Delete("b");
        Assert.Equal(other.Hash().Hash, _store.Hash().Hash);
        var seen = new HashSet<uint> { _store.Hash().Hash };

        _store.Put("c", "");
        Assert.True(seen.Add(_store.Hash().Hash));
        _store.Delete("c");
        Assert.True(seen.Add(_store.Hash().Hash));
        _store.Compact(4);
        Assert.True(seen.Add(_store.Hash().Hash));
        Assert.Equal((9, 4, 9), (_store.Hash().Header.Revision, _store.Hash().CompactRevision, _store.Hash().HashRevision));
    }

    private int CountOf(char keyspace) => _store.Disk.Content.Count(entry => entry.Key[0] == keyspace);
}
