using CsCheck;
using Google.Protobuf;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;
using Kind = Raft.Protocol.Etcd.Permission.Types.Type;

namespace Raft.KeyValue.Tests.Auth;

/// <summary>Who may do what, as decided where a command is applied or a view is read.</summary>
public sealed class AuthPermissionTests
{
    private static readonly string[] Bounds = ["a", "b", "bb", "c", "d"];

    private static readonly Gen<string> Key = Gen.OneOf(Bounds.Select(Gen.Const).ToArray());

    private readonly AuthWorld _world = AuthWorld.Enabled();

    public AuthPermissionTests()
    {
        _world.AddUserWith("reader", (Kind.Read, "r", "s"));
        _world.AddUserWith("writer", (Kind.Write, "w", "x"));
        _world.AddUserWith("both", (Kind.Read, "r", "s"), (Kind.Write, "w", "x"));
        _world.AddUser("nobody");
    }

    public static TheoryData<string, IMessage> Writes => new()
    {
        { "put", Put("w1") },
        { "delete", new DeleteRangeRequest { Key = Bytes("w1") } },
        { "delete of a range", new DeleteRangeRequest { Key = Bytes("w1"), RangeEnd = Bytes("w3") } },
        { "transaction", Txn(new RequestOp { RequestPut = Put("w1") }) },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public void Writing_takes_permission_to_write(string what, IMessage request)
    {
        foreach (var user in new[] { "reader", "nobody", "made up" })
            Assert.True(AuthError.PermissionDenied == _world.Ask(user, request), $"{what} by {user}");
        Assert.Equal(AuthError.UserEmpty, _world.Send(null, request).Error);
        Assert.Equal(1, _world.Store.Revision);
        foreach (var user in new[] { "writer", "both", "root" }) Assert.Null(_world.Ask(user, request));
    }

    [Fact]
    public void Reading_takes_permission_to_read()
    {
        var request = new RangeRequest { Key = Bytes("r1"), RangeEnd = Bytes("r2") };
        foreach (var user in new[] { "writer", "nobody", "made up" })
            Assert.Equal(AuthError.PermissionDenied, _world.Read(_world.As(user), request));
        Assert.Equal(AuthError.UserEmpty, _world.Read(null, request));
        foreach (var user in new[] { "reader", "both", "root" }) Assert.Null(_world.Read(_world.As(user), request));
    }

    /// <summary>Of every row, user "both" may do the first and not the second, which differs by reading what may only be written.</summary>
    public static TheoryData<string, IMessage, IMessage> Readings => new()
    {
        { "prev_kv of a put", Put("w1"), Put("w1", prevKv: true) },
        {
            "prev_kv of a delete", new DeleteRangeRequest { Key = Bytes("w1") }, new DeleteRangeRequest { Key = Bytes("w1"), PrevKv = true }
        },
        {
            "prev_kv of a put in a transaction", Txn(new RequestOp { RequestPut = Put("w1") }),
            Txn(new RequestOp { RequestPut = Put("w1", prevKv: true) })
        },
        {
            "prev_kv of a delete in a transaction", Txn(new RequestOp { RequestDeleteRange = new() { Key = Bytes("w1") } }),
            Txn(new RequestOp { RequestDeleteRange = new() { Key = Bytes("w1"), PrevKv = true } })
        },
        { "a comparison", Guarded("r1"), Guarded("w1") },
        { "a comparison over a range", Guarded("r1", "r2"), Guarded("r1", "w1") },
        {
            "a range in a transaction", Txn(new RequestOp { RequestPut = Put("w1") }, Range("r1")),
            Txn(new RequestOp { RequestPut = Put("w1") }, Range("w1"))
        },
        {
            "the branch that is not taken", Else(new RequestOp { RequestPut = Put("w1") }, Range("r1")),
            Else(new RequestOp { RequestPut = Put("w1") }, Range("w1"))
        },
        {
            "a nested transaction", Txn(new RequestOp { RequestTxn = Txn(Range("r1")) }, new RequestOp { RequestPut = Put("w1") }),
            Txn(new RequestOp { RequestTxn = Txn(Range("w1")) }, new RequestOp { RequestPut = Put("w1") })
        },
        {
            "a nested transaction's comparison", Txn(new RequestOp { RequestTxn = Guarded("r1") }), Txn(new RequestOp { RequestTxn = Guarded("w1") })
        },
        {
            "a nested put", Txn(new RequestOp { RequestTxn = Txn(new RequestOp { RequestPut = Put("w1") }) }),
            Txn(new RequestOp { RequestTxn = Txn(new RequestOp { RequestPut = Put("r1") }) })
        },
    };

    [Theory]
    [MemberData(nameof(Readings))]
    public void Whatever_a_request_might_read_takes_permission_to_read(string what, IMessage allowed, IMessage denied)
    {
        Assert.True(_world.Ask("both", allowed) is null, what);
        var revision = _world.Store.Revision;
        Assert.True(AuthError.PermissionDenied == _world.Ask("both", denied), what);
        Assert.Equal(revision, _world.Store.Revision);
        Assert.Null(_world.Ask("root", denied));
    }

    [Fact]
    public void Transactions_that_only_read_are_checked_against_the_view()
    {
        using var view = _world.Store.Store.OpenView();
        Assert.Null(view.Txn(Txn(Range("r1")), _world.As("reader")).Error);
        Assert.Equal(AuthError.PermissionDenied, view.Txn(Txn(Range("w1")), _world.As("reader")).Error);
        Assert.Equal(AuthError.PermissionDenied, view.Txn(Txn(new RequestOp { RequestTxn = Txn(Range("w1")) }), _world.As("reader")).Error);
        Assert.Equal(AuthError.UserEmpty, view.Txn(Txn(Range("r1"))).Error);
    }

    [Fact]
    public void Who_was_looked_at_before_the_last_change_is_refused()
    {
        var before = _world.As("root");
        _world.AddUser("new");
        Assert.Equal(AuthError.OldRevision, _world.Send(before, Put("w1")).Error);
        Assert.Equal(AuthError.OldRevision, _world.Read(before, new RangeRequest { Key = Bytes("a") }));

        // As in etcd: else a script that adds users would have to authenticate for each.
        Assert.Null(_world.Send(before, new AuthUserDeleteRequest { Name = "new" }).Error);
    }

    [Fact]
    public void A_view_checks_the_permissions_that_go_with_its_data()
    {
        _world.Do(Put("r1"));
        using var before = _world.Store.Store.OpenView();
        var identity = _world.As("reader");
        _world.Do(new AuthUserRevokeRoleRequest { Name = "reader", Role = "reader" });
        _world.Do(Put("r1"));
        using var after = _world.Store.Store.OpenView();

        Assert.Null(before.Range(new RangeRequest { Key = Bytes("r1") }, identity).Error);
        Assert.Equal(AuthError.OldRevision, after.Range(new RangeRequest { Key = Bytes("r1") }, identity).Error);
        Assert.Equal(AuthError.PermissionDenied, after.Range(new RangeRequest { Key = Bytes("r1") }, _world.As("reader")).Error);
    }

    [Fact]
    public void Permissions_change_in_the_middle_of_a_batch()
    {
        var transaction = _world.Store.Store.Begin();
        var identity = _world.As("writer");
        Assert.Null(transaction.Apply(new Command { Put = Put("w1"), Identity = identity }).Error);
        Assert.Null(transaction.Apply(new Command { AuthUserDelete = new() { Name = "writer" }, Identity = _world.As("root") }).Error);
        Assert.Equal(AuthError.OldRevision, transaction.Apply(new Command { Put = Put("w1"), Identity = identity }).Error);
        transaction.Commit();
        Assert.Equal(2, _world.Store.Revision);
    }

    [Fact]
    public void Managing_and_compacting_takes_root()
    {
        IMessage[] requests =
        [
            new AuthEnableRequest(), new AuthDisableRequest(), new AuthUserAddRequest { Name = "x" }, new AuthUserDeleteRequest { Name = "reader" },
            new AuthUserChangePasswordRequest { Name = "reader" }, new AuthUserGrantRoleRequest { User = "reader", Role = "root" },
            new AuthUserRevokeRoleRequest { Name = "reader", Role = "reader" }, new AuthRoleAddRequest { Name = "x" },
            new AuthRoleDeleteRequest { Role = "reader" }, new AuthRoleRevokePermissionRequest { Role = "reader", Key = Bytes("r"), RangeEnd = Bytes("s") },
            new AuthRoleGrantPermissionRequest { Name = "reader", Perm = new() { Key = Bytes("a") } }, new CompactionRequest { Revision = 1 },
        ];
        var revision = _world.Auth.Revision;
        foreach (var request in requests)
        {
            Assert.Equal(AuthError.PermissionDenied, _world.Ask("reader", request));
            Assert.Equal(AuthError.UserEmpty, _world.Ask("", request));
            Assert.Equal(AuthError.UserEmpty, _world.Send(null, request).Error);
        }
        Assert.Equal((true, revision), (_world.Auth.IsEnabled, _world.Auth.Revision));
    }

    [Fact]
    public void Without_authentication_nobody_is_asked()
    {
        _world.Do(new AuthDisableRequest());
        Assert.Null(_world.Send(null, Put("w1")).Error);
        Assert.Null(_world.Send(_world.As("made up", revision: 1), Put("w1")).Error);
        Assert.Null(_world.Read(null, new RangeRequest { Key = Bytes("w1") }));
    }

    /// <summary>A range is allowed if and only if each of its keys is: what lies between permissions counts too.</summary>
    [Fact]
    public void A_range_is_allowed_if_the_permissions_leave_no_gap() =>
        Gen.Select(Gen.Select(Key, Key).Array[0, 4], Key, Key).Sample((permissions, first, end) =>
        {
            if (string.CompareOrdinal(first, end) >= 0) return;
            var given = permissions.Where(one => string.CompareOrdinal(one.Item1, one.Item2) < 0).ToList();
            var set = new KeySet(given.Select(one => new Permission { Key = Bytes(one.Item1), RangeEnd = Bytes(one.Item2) }), Kind.Read);

            // Between two neighbours of these there is a key that is in both or in neither of all ranges.
            var covered = Bounds.Where(at => string.CompareOrdinal(first, at) <= 0 && string.CompareOrdinal(at, end) < 0)
                .All(at => given.Exists(one => string.CompareOrdinal(one.Item1, at) <= 0 && string.CompareOrdinal(at, one.Item2) < 0));
            Assert.Equal(covered, set.Covers(Bytes(first), Bytes(end)));
        }, iter: 5_000);

    [Theory]
    [InlineData("k", "", "k", "", true)]
    [InlineData("k", "", "k\0", "", false)]
    [InlineData("k", "", "k", "k\0", true)]
    [InlineData("k", "", "k", "\0", false)]
    [InlineData("k", "\0", "k", "\0", true)]
    [InlineData("k", "\0", "z", "", true)]
    [InlineData("k", "\0", "z", "zz", true)]
    [InlineData("k", "\0", "j", "\0", false)]
    [InlineData("k", "l", "k", "\0", false)]
    [InlineData("k", "l", "l", "", false)]
    [InlineData("k", "l", "kz", "l", true)]
    [InlineData("k", "l", "kz", "l\0", false)]
    [InlineData("k", "l", "j", "k", false)]
    [InlineData("\0", "\0", "\0", "\0", true)]
    public void One_permission_allows_its_own_range(string key, string end, string asked, string askedEnd, bool isAllowed)
    {
        var set = new KeySet([new Permission { Key = Bytes(key), RangeEnd = Bytes(end) }], Kind.Read);
        Assert.Equal(isAllowed, set.Covers(Bytes(asked), Bytes(askedEnd)));
    }

    private static PutRequest Put(string key, bool prevKv = false) => new() { Key = Bytes(key), Value = Bytes("1"), PrevKv = prevKv };

    private static RequestOp Range(string key) => new() { RequestRange = new RangeRequest { Key = Bytes(key) } };

    private static TxnRequest Txn(params RequestOp[] operations) => new() { Success = { operations } };

    private static TxnRequest Else(RequestOp success, RequestOp failure) => new() { Success = { success }, Failure = { failure } };

    private static TxnRequest Guarded(string key, string end = "") => new()
    {
        Compare = { new Compare { Key = Bytes(key), RangeEnd = Bytes(end), Version = 0 } },
        Success = { new RequestOp { RequestPut = Put("w1") } },
    };
}
