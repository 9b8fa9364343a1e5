using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Auth;

/// <summary>etcd's rules for users and roles.</summary>
public sealed class AuthManagementTests
{
    private readonly AuthWorld _world = new();

    [Fact]
    public void An_empty_store_is_open_and_at_revision_1() => Assert.Equal((false, 1ul), (_world.Auth.IsEnabled, _world.Auth.Revision));

    [Fact]
    public void Enabling_needs_the_user_root_with_the_role_root()
    {
        Assert.Equal(AuthError.RootUserMissing, _world.Ask("", new AuthEnableRequest()));
        _world.AddUser("root");
        Assert.Equal(AuthError.RootRoleMissing, _world.Ask("", new AuthEnableRequest()));
        _world.Do(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        var revision = _world.Auth.Revision;

        Assert.Null(_world.Ask("", new AuthEnableRequest()));
        Assert.Equal((true, revision), (_world.Auth.IsEnabled, _world.Auth.Revision));
        Assert.Equal(AuthError.UserEmpty, _world.Ask("", new AuthEnableRequest()));
        Assert.Null(_world.Ask("root", new AuthEnableRequest()));
        Assert.Null(_world.Ask("root", new AuthDisableRequest()));
        Assert.Equal((false, revision + 1), (_world.Auth.IsEnabled, _world.Auth.Revision));
        Assert.Null(_world.Ask("", new AuthDisableRequest()));
        Assert.Equal(revision + 1, _world.Auth.Revision);
    }

    public static TheoryData<string, IMessage, string?> AfterAUserAndARole => new()
    {
        { "a user without a name", new AuthUserAddRequest(), "user name is empty" },
        { "a user twice", new AuthUserAddRequest { Name = "alice" }, "user name already exists" },
        { "a hash that is none", new AuthUserAddRequest { Name = "bob", HashedPassword = "?" }, "auth: authentication failed, password was given for no password user" },
        { "another user", new AuthUserAddRequest { Name = "bob" }, null },
        { "deleting a user who is not there", new AuthUserDeleteRequest { Name = "bob" }, "user name not found" },
        { "deleting a user", new AuthUserDeleteRequest { Name = "alice" }, null },
        { "a password for nobody", new AuthUserChangePasswordRequest { Name = "bob" }, "user name not found" },
        { "a password", new AuthUserChangePasswordRequest { Name = "alice", HashedPassword = "aGFzaA==" }, null },
        { "a role for nobody", new AuthUserGrantRoleRequest { User = "bob", Role = "reader" }, "user name not found" },
        { "a role that is not there", new AuthUserGrantRoleRequest { User = "alice", Role = "writer" }, "role name not found" },
        { "root without a record of it", new AuthUserGrantRoleRequest { User = "alice", Role = "root" }, null },
        { "revoking from nobody", new AuthUserRevokeRoleRequest { Name = "bob", Role = "reader" }, "user name not found" },
        { "revoking what was not granted", new AuthUserRevokeRoleRequest { Name = "alice", Role = "writer" }, "role is not granted to the user" },
        { "revoking", new AuthUserRevokeRoleRequest { Name = "alice", Role = "reader" }, null },
        { "a role without a name", new AuthRoleAddRequest(), "role name is empty" },
        { "a role twice", new AuthRoleAddRequest { Name = "reader" }, "role name already exists" },
        { "another role", new AuthRoleAddRequest { Name = "writer" }, null },
        { "deleting a role that is not there", new AuthRoleDeleteRequest { Role = "writer" }, "role name not found" },
        { "deleting a role", new AuthRoleDeleteRequest { Role = "reader" }, null },
        { "granting nothing", new AuthRoleGrantPermissionRequest { Name = "reader" }, "permission not given" },
        { "a permission for no key", Grant("reader", "", ""), "invalid auth management" },
        { "a permission for an empty range", Grant("reader", "b", "b"), "invalid auth management" },
        { "a permission for a role that is not there", Grant("writer", "a", ""), "role name not found" },
        { "a permission", Grant("reader", "a", ""), null },
        { "revoking from a role that is not there", new AuthRoleRevokePermissionRequest { Role = "writer", Key = Bytes("k") }, "role name not found" },
        {
            "revoking a permission for another range", new AuthRoleRevokePermissionRequest { Role = "reader", Key = Bytes("k"), RangeEnd = Bytes("m") },
            "permission is not granted to the role"
        },
        { "revoking a permission", new AuthRoleRevokePermissionRequest { Role = "reader", Key = Bytes("k"), RangeEnd = Bytes("l") }, null },
    };

    [Theory]
    [MemberData(nameof(AfterAUserAndARole))]
    public void A_change_counts_and_a_refused_one_changes_nothing(string what, IMessage request, string? refusal)
    {
        Prepare();
        var before = _world.Auth;
        var content = _world.Store.Disk.Content.ToDictionary(entry => Convert.ToHexString(entry.Key), entry => Convert.ToHexString(entry.Value));

        var answer = _world.Ask("", request);

        Assert.True(refusal == answer?.Message.Replace("etcdserver: ", "", StringComparison.Ordinal), $"{what}: {answer}");
        Assert.Equal(before.Revision + (refusal is null ? 1ul : 0ul), _world.Auth.Revision);
        if (refusal is not null)
            Assert.Equal(content, _world.Store.Disk.Content.ToDictionary(entry => Convert.ToHexString(entry.Key), entry => Convert.ToHexString(entry.Value)));
    }

    [Fact]
    public void Granting_what_is_granted_changes_nothing()
    {
        Prepare();
        var revision = _world.Auth.Revision;
        Assert.Null(_world.Ask("", new AuthUserGrantRoleRequest { User = "alice", Role = "reader" }));
        Assert.Equal(revision, _world.Auth.Revision);
    }

    [Fact]
    public void Root_cannot_be_locked_out_while_authentication_is_on()
    {
        Prepare();
        _world.AddUser("root", "root");
        _world.Do(new AuthRoleAddRequest { Name = "root" });
        IMessage[] requests =
        [
            new AuthUserRevokeRoleRequest { Name = "root", Role = "root" },
            new AuthRoleDeleteRequest { Role = "root" },
            new AuthUserDeleteRequest { Name = "root" },
        ];
        _world.Do(new AuthEnableRequest());
        foreach (var request in requests) Assert.Equal(AuthError.InvalidManagement, _world.Ask("root", request));
        _world.Do(new AuthDisableRequest());
        foreach (var request in requests) Assert.Null(_world.Ask("", request));
    }

    [Fact]
    public void Roles_of_a_user_are_in_order_and_go_with_the_role()
    {
        Prepare();
        _world.Do(new AuthRoleAddRequest { Name = "b" });
        _world.Do(new AuthUserGrantRoleRequest { User = "alice", Role = "b" });
        Assert.Equal(["b", "reader"], _world.Auth.FindUser("alice")!.Roles);
        var revision = _world.Auth.Revision;

        _world.Do(new AuthRoleDeleteRequest { Role = "reader" });

        Assert.Equal(["b"], _world.Auth.FindUser("alice")!.Roles);
        Assert.Equal(revision + 1, _world.Auth.Revision);
    }

    [Fact]
    public void Permissions_of_a_role_are_in_the_order_of_keys_and_one_for_each_range()
    {
        Prepare();
        _world.Grant("reader", Permission.Types.Type.Read, "z");
        _world.Grant("reader", Permission.Types.Type.Read, "a");
        _world.Grant("reader", Permission.Types.Type.Write, "k", "m");
        _world.Grant("reader", Permission.Types.Type.Readwrite, "k", "l");

        Assert.Equal(
            ["a  Read", "k l Readwrite", "k m Write", "z  Read"],
            _world.Auth.PermissionsOf("reader")!.Select(one => $"{one.Key.ToStringUtf8()} {one.RangeEnd.ToStringUtf8()} {one.PermType}"));
    }

    [Fact]
    public void Root_needs_no_permissions_and_shows_none()
    {
        Assert.Null(_world.Auth.PermissionsOf("root"));
        _world.Do(new AuthRoleAddRequest { Name = "root" });
        Assert.Empty(_world.Auth.PermissionsOf("root")!);
    }

    [Fact]
    public void Users_and_roles_outlive_a_restart_and_come_with_a_snapshot()
    {
        Prepare();
        _world.AddUser("root", "root");
        _world.Do(new AuthEnableRequest());
        var restarted = new KeyValueStore(_world.Store.Disk.Clone());
        AssertSame(restarted.Auth);

        var disk = new InMemoryOrderedStore();
        var behind = new KeyValueStore(disk);
        var batch = new Ports.OrderedBatch();
        foreach (var (key, value) in _world.Store.Disk.Content) batch.Put(key, value);
        disk.Write(batch);
        behind.Reload();
        AssertSame(behind.Auth);

        void AssertSame(AuthState auth)
        {
            Assert.True(auth.IsEnabled);
            Assert.Equal(_world.Auth.Revision, auth.Revision);
            Assert.Equal(["alice", "root"], auth.Users);
            Assert.Equal(_world.Auth.PermissionsOf("reader"), auth.PermissionsOf("reader"));
            Assert.Null(auth.CheckRead(new AuthIdentity { User = "alice", AuthRevision = auth.Revision }, Bytes("k"), Bytes("")));
        }
    }

    [Fact]
    public void A_user_with_a_password_has_its_hash_and_one_without_never_gets_one()
    {
        _world.Do(new AuthUserAddRequest { Name = "a", HashedPassword = "aGFzaA==" });
        _world.Do(new AuthUserAddRequest { Name = "b", HashedPassword = "aGFzaA==", Options = new UserAddOptions { NoPassword = true } });
        _world.Do(new AuthUserChangePasswordRequest { Name = "a", HashedPassword = "bmV3" });
        _world.Do(new AuthUserChangePasswordRequest { Name = "b", HashedPassword = "bmV3" });
        Assert.Equal(["new", ""], new[] { "a", "b" }.Select(name => _world.Auth.FindUser(name)!.PasswordHash.ToStringUtf8()));
    }

    private static AuthRoleGrantPermissionRequest Grant(string role, string key, string end) =>
        new() { Name = role, Perm = new Permission { Key = Bytes(key), RangeEnd = Bytes(end) } };

    private void Prepare()
    {
        _world.Do(new AuthRoleAddRequest { Name = "reader" });
        _world.Do(Grant("reader", "k", "l"));
        _world.AddUser("alice", "reader");
    }
}
