using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;
using Kind = Raft.Protocol.Etcd.Permission.Types.Type;

namespace Raft.KeyValue.Tests.Auth;

/// <summary>A lease's keys die together, so whoever may not write all of them may neither end the lease nor use it.</summary>
public sealed class AuthLeaseTests
{
    private const long Lease = 7;

    private readonly AuthWorld _world = AuthWorld.Enabled();

    public AuthLeaseTests()
    {
        _world.AddUserWith("alice", (Kind.Readwrite, "a", "b"));
        _world.AddUserWith("bob", (Kind.Readwrite, "b", "c"));
        Assert.Null(_world.Ask("alice", new LeaseGrantRequest { ID = Lease, TTL = 10 }));
    }

    [Fact]
    public void Any_user_may_be_granted_a_lease()
    {
        Assert.Null(_world.Ask("bob", new LeaseGrantRequest { ID = 8, TTL = 10 }));
        Assert.Equal(AuthError.UserEmpty, _world.Ask("", new LeaseGrantRequest { ID = 9, TTL = 10 }));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("made up", new LeaseGrantRequest { ID = 9, TTL = 10 }));
    }

    [Fact]
    public void A_lease_is_used_and_ended_by_who_may_write_all_its_keys()
    {
        Assert.Null(_world.Ask("alice", Put("a")));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("bob", Put("b")));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("bob", new TxnRequest { Success = { new RequestOp { RequestPut = Put("b") } } }));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("bob", new LeaseRevokeRequest { ID = Lease }));
        Assert.Equal(AuthError.UserEmpty, _world.Send(null, new LeaseRevokeRequest { ID = Lease }).Error);
        using (var view = _world.Store.Store.OpenView())
        {
            Assert.Equal(AuthError.PermissionDenied, view.CheckLease(Lease, _world.As("bob")));
            Assert.Equal(AuthError.UserEmpty, view.CheckLease(Lease, null));
            Assert.Null(view.CheckLease(Lease, _world.As("alice")));
        }
        Assert.Equal("1", _world.Store.Get("a", _world.As("root")));
        Assert.Null(_world.Ask("alice", new LeaseRevokeRequest { ID = Lease }));
        Assert.Null(_world.Store.Get("a", _world.As("root")));
    }

    /// <summary>The leader does not know at which revision of the auth store its command will be applied.</summary>
    [Fact]
    public void The_leader_ends_a_lease_as_root_whatever_has_changed()
    {
        Assert.Null(_world.Ask("alice", Put("a")));
        Assert.Null(_world.Send(new AuthIdentity { User = AuthState.Root }, new LeaseRevokeRequest { ID = Lease }).Error);
        Assert.Null(_world.Store.Get("a", _world.As("root")));
    }

    private static PutRequest Put(string key) => new() { Key = Bytes(key), Value = Bytes("1"), Lease = Lease };
}
