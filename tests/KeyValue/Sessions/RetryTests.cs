using Google.Protobuf;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Sessions;

/// <summary>A retry gets the first answer and has no second effect.</summary>
public sealed class RetryTests
{
    private readonly SessionWorld _world = new();

    public static TheoryData<string, IMessage> Requests => new()
    {
        { "a put", new PutRequest { Key = Bytes("a"), Value = Bytes("new"), PrevKv = true } },
        { "a delete", new DeleteRangeRequest { Key = Bytes("a"), RangeEnd = Bytes("c"), PrevKv = true } },
        {
            "a transaction that reads what it changes",
            new TxnRequest
            {
                Compare = { new Compare { Key = Bytes("a"), Target = Compare.Types.CompareTarget.Value, Value = Bytes("1") } },
                Success =
                {
                    new RequestOp { RequestRange = new RangeRequest { Key = Bytes("a") } },
                    new RequestOp { RequestPut = new PutRequest { Key = Bytes("a"), Value = Bytes("2"), PrevKv = true } },
                    new RequestOp { RequestTxn = new TxnRequest { Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Bytes("b") } } } } },
                },
            }
        },
        { "a compaction", new CompactionRequest { Revision = 2 } },
        { "a refused put", new PutRequest { Key = Bytes("z"), IgnoreValue = true } },
        { "a refused compaction", new CompactionRequest { Revision = 100 } },
        { "a user", new AuthUserAddRequest { Name = "u", Options = new UserAddOptions { NoPassword = true } } },
        { "a role", new AuthRoleAddRequest { Name = "r" } },
        { "a refused change of users", new AuthUserDeleteRequest { Name = "nobody" } },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_retry_gets_the_first_answer(string what, IMessage request)
    {
        _world.Store.Put("a", "1");
        _world.Store.Put("b", "1");
        var session = _world.Open();
        var first = _world.Send(session, 1, request);
        var (revision, hash) = (_world.Store.Revision, _world.Store.Hash());

        // What came between would change the answer of whoever looked again.
        Assert.Equal(first, _world.Send(session, 1, request));
        Assert.Equal(hash, _world.Store.Hash());
        _world.Send(session, 2, new PutRequest { Key = Bytes("a"), Value = Bytes("between") });
        _world.Store.Put("z", "1");
        Assert.True(first == _world.Send(session, 1, request), what);
        Assert.Equal(revision + 2, _world.Store.Revision);
        Assert.Equal("between", _world.Store.Get("a"));
    }

    [Fact]
    public void Requests_may_come_in_any_order()
    {
        var session = _world.Open();
        Assert.Null(_world.Send(session, 7, Put("7")).Error);
        Assert.Null(_world.Send(session, 3, Put("3")).Error);
        Assert.Equal("3", _world.Store.Get("a"));
        Assert.Equal(_world.Send(session, 7, Put("7")), _world.Send(session, 7, Put("7")));
        Assert.Equal("3", _world.Store.Get("a"));
    }

    [Fact]
    public void Two_attempts_in_one_batch_take_effect_once()
    {
        var session = _world.Open();
        var command = new Command
        {
            TimeUnixMs = _world.NowUnixMs,
            Put = Put("1"),
            Session = new SessionStamp { Session = session, Sequence = 1 },
        };
        var transaction = _world.Store.Store.Begin();
        Assert.Equal(transaction.Apply(command), transaction.Apply(command));
        transaction.Commit();
        Assert.Equal(2, _world.Store.Revision);
    }

    [Fact]
    public void Sessions_do_not_meet()
    {
        var (one, other) = (_world.Open(), _world.Open());
        _world.Send(one, 1, Put("1"));
        _world.Send(other, 1, Put("2"));
        Assert.Equal("2", _world.Store.Get("a"));
        _world.Close(one);
        _world.Send(other, 1, Put("2"));
        Assert.Equal(3, _world.Store.Revision);
    }

    [Fact]
    public void Without_a_session_every_request_takes_effect()
    {
        _world.Open();
        _world.Send(Put("1"));
        _world.Send(Put("1"));
        Assert.Equal(3, _world.Store.Revision);
    }

    [Fact]
    public void A_number_that_belongs_to_a_request_of_another_kind_is_refused()
    {
        var session = _world.Open();
        _world.Send(session, 1, Put("1"));
        Assert.Equal(StoreError.SequenceReused, _world.Send(session, 1, new DeleteRangeRequest { Key = Bytes("a") }).Error);
        Assert.Equal("1", _world.Store.Get("a"));
    }

    [Theory]
    [InlineData(0ul, 1ul, 0ul)]
    [InlineData(1ul, 0ul, 0ul)]
    [InlineData(1ul, 3ul, 3ul)]
    [InlineData(1ul, 3ul, ulong.MaxValue)]
    public void A_stamp_that_says_nothing_is_refused(ulong isOpen, ulong sequence, ulong acknowledged)
    {
        var session = _world.Open() * isOpen;
        Assert.Equal(StoreError.InvalidStamp, _world.Send(session, sequence, Put("1"), acknowledged).Error);
        Assert.Equal(1, _world.Store.Revision);
    }

    [Fact]
    public void The_first_answer_outlives_a_restart()
    {
        var session = _world.Open();
        var first = _world.Send(session, 1, Put("1"));
        var restarted = new KeyValueStore(_world.Store.Disk.Clone());
        var transaction = restarted.Begin();
        Assert.Equal(first, transaction.Apply(new Command { Put = Put("1"), Session = new SessionStamp { Session = session, Sequence = 1 } }));
        Assert.Equal(2, transaction.Revision);
    }

    [Fact]
    public void Sessions_are_no_part_of_etcds_hash()
    {
        var plain = new TestStore();
        plain.Put("a", "1");
        _world.Send(_world.Open(), 1, Put("1"));
        Assert.Equal(plain.Hash().Hash, _world.Store.Hash().Hash);
    }

    private static PutRequest Put(string value) => new() { Key = Bytes("a"), Value = Bytes(value) };
}
