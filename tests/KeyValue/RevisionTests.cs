using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests;

public sealed class RevisionTests
{
    private readonly TestStore _store = new();

    [Fact]
    public void The_largest_limit_is_no_limit()
    {
        _store.Put("a", "1");
        _store.Put("b", "1");
        var response = _store.Range(new RangeRequest { Key = Bytes("a"), RangeEnd = Bytes("z"), Limit = long.MaxValue });
        Assert.Equal((2, 2, false), (response.Kvs.Count, response.Count, response.More));
    }

    [Fact]
    public void An_empty_store_is_at_revision_one() => Assert.Equal(1, _store.Range("a").Header.Revision);

    [Fact]
    public void Each_put_is_one_revision()
    {
        Assert.Equal(2, _store.Put("a", "1").Header.Revision);
        Assert.Equal(3, _store.Put("a", "2").Header.Revision);
        var pair = Assert.Single(_store.Range("a").Kvs);
        Assert.Equal((2, 3, 2, "2"), (pair.CreateRevision, pair.ModRevision, pair.Version, pair.Value.ToStringUtf8()));
    }

    [Fact]
    public void A_key_put_again_after_its_deletion_begins_a_new_life()
    {
        _store.Put("a", "1");
        _store.Delete("a");
        _store.Put("a", "2");
        var pair = Assert.Single(_store.Range("a").Kvs);
        Assert.Equal((4, 4, 1), (pair.CreateRevision, pair.ModRevision, pair.Version));
    }

    [Fact]
    public void A_delete_that_finds_nothing_uses_no_revision()
    {
        var response = _store.Delete("a", "z");
        Assert.Equal((0, 1), (response.Deleted, response.Header.Revision));
        Assert.Equal(1, _store.Revision);
        Assert.Empty(_store.LastEvents);
    }

    [Fact]
    public void A_delete_of_many_keys_is_one_revision()
    {
        foreach (var key in new[] { "a", "b", "c" }) _store.Put(key, key);
        var response = _store.Delete("a", "c", prevKv: true);
        Assert.Equal((2, 5), (response.Deleted, response.Header.Revision));
        Assert.Equal(["a", "b"], response.PrevKvs.Select(pair => pair.Value.ToStringUtf8()));
        Assert.Equal(["c"], _store.Range("a", "\0").Kvs.Select(pair => pair.Key.ToStringUtf8()));
    }

    [Fact]
    public void A_refused_command_changes_nothing()
    {
        _store.Put("a", "1");
        var before = _store.Disk.Content.ToList();
        Assert.Equal(StoreError.KeyNotFound, _store.Refusal(new PutRequest { Key = Bytes("b"), IgnoreValue = true }));
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(new PutRequest { Key = Bytes("b"), Lease = 7 }));
        Assert.Equal(StoreError.KeyNotProvided, _store.Refusal(new DeleteRangeRequest()));
        Assert.Equal(before, _store.Disk.Content);
    }

    [Fact]
    public void Older_revisions_stay_readable_until_compaction()
    {
        _store.Put("a", "1");
        _store.Put("a", "2");
        _store.Delete("a");
        _store.Put("a", "3");
        Assert.Equal([null, "1", "2", null, "3"], Enumerable.Range(1, 5).Select(revision => _store.Get("a", revision)));
        Assert.Equal(5, _store.Range("a", revision: 2).Header.Revision);
        Assert.Equal(StoreError.FutureRevision, _store.TryRange(new RangeRequest { Key = Bytes("a"), Revision = 6 }).Error);
    }

    [Fact]
    public void Commands_of_one_batch_see_each_other_and_nothing_is_visible_before_the_commit()
    {
        var transaction = _store.Store.Begin();
        transaction.Apply(Command(new PutRequest { Key = Bytes("a"), Value = Bytes("1") }));
        var second = transaction.Apply(Command(new PutRequest { Key = Bytes("a"), Value = Bytes("2"), PrevKv = true }));
        transaction.PutNodeValue("applied"u8, new byte[] { 42 });
        Assert.Equal("1", ((PutResponse)second.Response!).PrevKv.Value.ToStringUtf8());
        Assert.Null(_store.Get("a"));

        transaction.Commit();

        using var view = _store.Store.OpenView();
        Assert.Equal("2", _store.Get("a"));
        Assert.Equal("1", _store.Get("a", revision: 2));
        Assert.Equal([42], view.GetNodeValue("applied"u8));
    }

    [Fact]
    public void A_view_stays_as_it_was()
    {
        _store.Put("a", "1");
        using var view = _store.Store.OpenView();
        _store.Put("a", "2");
        var response = view.Range(new RangeRequest { Key = Bytes("a") }).Response!;
        Assert.Equal(("1", 2), (response.Kvs[0].Value.ToStringUtf8(), response.Header.Revision));
    }

    /// <summary>Each command puts both keys to the same value, so a reader that mixes two states sees them differ.</summary>
    [Fact]
    public async Task Readers_beside_the_writer_see_whole_revisions_only()
    {
        using var finished = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            var reads = 0;
            for (; !finished.IsCancellationRequested || reads == 0; reads++)
            {
                var response = _store.Range("a", "c");
                Assert.Equal(response.Header.Revision - 1, response.Kvs.Select(pair => pair.Version).FirstOrDefault());
                Assert.True(response.Kvs.Select(pair => (pair.Value, pair.ModRevision)).Distinct().Count() <= 1);
            }
        }, TestContext.Current.CancellationToken);
        for (var round = 0; round < 2000; round++)
        {
            _store.Txn(new TxnRequest { Success = { Put("a", $"{round}"), Put("b", $"{round}") } });
        }
        await finished.CancelAsync();
        await reader;

        static RequestOp Put(string key, string value) => new() { RequestPut = new() { Key = Bytes(key), Value = Bytes(value) } };
    }

    [Fact]
    public void A_store_opened_again_goes_on_where_it_was()
    {
        _store.Put("a", "1");
        _store.Compact(2);
        var reopened = new KeyValueStore(_store.Disk.Clone());
        Assert.Equal((2, 2, true), (reopened.Revision, reopened.CompactedRevision, reopened.HasCompactionWork));
    }
}
