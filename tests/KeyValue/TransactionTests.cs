using System.Text;
using Google.Protobuf;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.Compare.Types;

namespace Raft.KeyValue.Tests;

public sealed class TransactionTests
{
    private readonly TestStore _store = new();

    [Fact]
    public void Operations_of_a_transaction_share_one_revision_and_see_those_before_them()
    {
        _store.Put("old", "0");
        var response = _store.Txn(new TxnRequest { Success = { Put("a", "1"), Range("a"), Delete("old"), Range("old"), Put("b", "2") } });

        Assert.True(response.Succeeded);
        Assert.Equal("1", response.Responses[1].ResponseRange.Kvs[0].Value.ToStringUtf8());
        Assert.Empty(response.Responses[3].ResponseRange.Kvs);
        Assert.Equal(3, response.Header.Revision);
        Assert.Equal([3L, 3L], _store.Range("a", "c").Kvs.Select(pair => pair.ModRevision));
        Assert.Equal(
            [(3L, 0, "a"), (3, 1, "old"), (3, 2, "b")],
            _store.LastEvents.Select(change => (change.Revision, change.Sub, Encoding.UTF8.GetString(change.Key))));
    }

    /// <summary>etcd: outside a transaction a negative revision means the newest, inside it is one that is gone.</summary>
    [Fact]
    public void A_range_below_zero_is_compacted_in_a_transaction_only()
    {
        _store.Put("a", "1");
        _store.Compact(2);
        var past = new RangeRequest { Key = Bytes("a"), Revision = -1 };

        Assert.Single(_store.TryRange(past).Response!.Kvs);
        Assert.Equal(StoreError.Compacted, _store.Refusal(new TxnRequest { Success = { new RequestOp { RequestRange = past } } }));
    }

    [Fact]
    public void A_transaction_that_changes_nothing_uses_no_revision()
    {
        var response = _store.Txn(new TxnRequest { Success = { Delete("a"), Range("a") } });
        Assert.Equal((1, 1), (response.Header.Revision, _store.Revision));
    }

    [Fact]
    public void Nested_guards_are_evaluated_before_any_write()
    {
        var nested = new TxnRequest { Compare = { VersionIs("a", 0) }, Success = { Put("b", "guard saw no a") } };
        _store.Txn(new TxnRequest { Success = { Put("a", "1"), new RequestOp { RequestTxn = nested } } });
        Assert.Equal("guard saw no a", _store.Get("b"));
    }

    [Fact]
    public void A_value_comparison_with_a_missing_key_never_holds()
    {
        foreach (var result in Enum.GetValues<CompareResult>())
        {
            var compare = new Compare { Key = Bytes("a"), Target = CompareTarget.Value, Value = Bytes("x"), Result = result };
            Assert.False(_store.Txn(new TxnRequest { Compare = { compare } }).Succeeded);
        }
    }

    [Fact]
    public void A_range_comparison_holds_only_if_every_key_matches()
    {
        _store.Put("a", "x");
        _store.Put("b", "x");
        var compare = new Compare { Key = Bytes("a"), RangeEnd = Bytes("c"), Target = CompareTarget.Value, Value = Bytes("x") };
        Assert.True(_store.Txn(new TxnRequest { Compare = { compare } }).Succeeded);
        _store.Put("b", "y");
        Assert.False(_store.Txn(new TxnRequest { Compare = { compare } }).Succeeded);
    }

    [Fact]
    public void A_refused_transaction_changes_nothing_whichever_operation_is_to_blame()
    {
        _store.Put("a", "1");
        var before = _store.Disk.Content.ToList();
        var late = Put("z", "");
        late.RequestPut.IgnoreValue = true;
        var future = Range("a");
        future.RequestRange.Revision = 9;

        Assert.Equal(StoreError.KeyNotFound, _store.Refusal(new TxnRequest { Success = { Put("a", "2"), late } }));
        Assert.Equal(StoreError.FutureRevision, _store.Refusal(new TxnRequest { Success = { Put("a", "2"), future } }));
        Assert.Equal(StoreError.DuplicateKey, _store.Refusal(new TxnRequest { Success = { Put("a", "2"), Put("a", "3") } }));
        Assert.Equal(StoreError.KeyNotFound, _store.Refusal(new TxnRequest { Success = { Put("a", "2"), new RequestOp() } }));
        Assert.Equal(before, _store.Disk.Content);
    }

    /// <summary>One such request panics every member of an etcd 3.4 cluster, again after each restart.</summary>
    [Fact]
    public void A_put_that_keeps_what_an_open_ended_delete_removed_is_refused()
    {
        _store.Put("b", "1");
        var keep = Put("b", "");
        keep.RequestPut.IgnoreValue = true;
        Assert.Equal(StoreError.DuplicateKey, _store.Refusal(new TxnRequest { Success = { Delete("a", "\0"), keep } }));
        Assert.Equal("1", _store.Get("b"));
    }

    [Fact]
    public void A_key_deleted_and_put_in_one_revision_keeps_its_past()
    {
        _store.Put("b", "1");
        _store.Txn(new TxnRequest { Success = { Delete("a", "\0"), Put("b", "2") } });
        var pair = Assert.Single(_store.Range("b").Kvs);
        Assert.Equal((3, 3, 1, "2"), (pair.CreateRevision, pair.ModRevision, pair.Version, pair.Value.ToStringUtf8()));
        Assert.Equal("1", _store.Get("b", revision: 2));
    }

    [Fact]
    public void A_key_put_and_deleted_in_one_revision_keeps_its_past()
    {
        _store.Put("b", "1");
        _store.Txn(new TxnRequest { Success = { Nested(Put("b", "2")), Nested(Delete("b")) } });
        Assert.Null(_store.Get("b"));
        Assert.Equal("1", _store.Get("b", revision: 2));
        Assert.Null(_store.Get("b", revision: 3));
    }

    [Fact]
    public void Branches_may_share_keys()
    {
        var request = new TxnRequest { Success = { Put("a", "then") }, Failure = { Put("a", "else") } };
        Assert.True(_store.Txn(request).Succeeded);
        Assert.Equal("then", _store.Get("a"));
    }

    [Fact]
    public void A_read_only_transaction_is_answered_from_a_view_as_from_the_log()
    {
        _store.Put("a", "1");
        var request = new TxnRequest { Compare = { VersionIs("a", 1) }, Success = { Range("a"), Nested(Range("a", "\0")) } };
        Assert.True(RequestShape.IsReadOnly(request));
        using var view = _store.Store.OpenView();
        Assert.Equal(_store.Txn(request), view.Txn(request).Response);

        request.Failure.Add(Put("a", "2"));
        Assert.False(RequestShape.IsReadOnly(request));
        Assert.Throws<ArgumentException>(() => view.Txn(request));
    }

    [Fact]
    public void A_request_above_the_size_limit_is_refused()
    {
        var request = new PutRequest { Key = Bytes("a"), Value = ByteString.CopyFrom(new byte[RequestValidator.DefaultMaxRequestBytes]) };
        Assert.Equal(StoreError.RequestTooLarge, RequestValidator.ValidateSize(request));
        Assert.Null(RequestValidator.ValidateSize(new PutRequest { Key = Bytes("a") }));
    }

    private static Compare VersionIs(string key, long version) =>
        new() { Key = Bytes(key), Target = CompareTarget.Version, Version = version };

    private static RequestOp Put(string key, string value) => new() { RequestPut = new() { Key = Bytes(key), Value = Bytes(value) } };

    private static RequestOp Range(string key, string end = "") =>
        new() { RequestRange = new() { Key = Bytes(key), RangeEnd = Bytes(end) } };

    private static RequestOp Delete(string key, string end = "") =>
        new() { RequestDeleteRange = new() { Key = Bytes(key), RangeEnd = Bytes(end) } };

    private static RequestOp Nested(RequestOp operation) => new() { RequestTxn = new() { Success = { operation } } };
}
