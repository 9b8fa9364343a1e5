using Google.Protobuf;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests.Auth;

/// <summary>A store, and users who ask it something.</summary>
internal sealed class AuthWorld
{
    public TestStore Store { get; } = new();

    public long NowUnixMs { get; set; } = 1_700_000_000_000;

    public AuthState Auth => Store.Store.Auth;

    /// <summary>Authentication is on, and root may do everything.</summary>
    public static AuthWorld Enabled()
    {
        var world = new AuthWorld();
        world.AddUser("root", "root");
        world.Do(new AuthEnableRequest());
        return world;
    }

    /// <summary>Who asks, as of the auth store's revision now or another.</summary>
    public AuthIdentity As(string user, ulong? revision = null) => new() { User = user, AuthRevision = revision ?? Auth.Revision };

    /// <summary>By root, who is not refused.</summary>
    public void Do(IMessage request) => Assert.Null(Ask("root", request));

    /// <summary>The refusal, or null.</summary>
    public StoreError? Ask(string user, IMessage request) => Send(As(user), request).Error;

    public CommandResult Send(AuthIdentity? identity, IMessage request, SessionStamp? session = null)
    {
        var command = TestStore.Command(request);
        (command.Identity, command.Session, command.TimeUnixMs) = (identity, session, NowUnixMs);
        return Store.Apply(command);
    }

    public StoreError? Read(AuthIdentity? identity, RangeRequest request) => Store.TryRange(request, identity).Error;

    public void AddUser(string name, params string[] roles)
    {
        Do(new AuthUserAddRequest { Name = name, Options = new UserAddOptions { NoPassword = true } });
        foreach (var role in roles) Do(new AuthUserGrantRoleRequest { User = name, Role = role });
    }

    /// <summary>A user with a role of the same name, which has the permissions: kind, key, range end.</summary>
    public void AddUserWith(string name, params (Permission.Types.Type Kind, string Key, string End)[] permissions)
    {
        Do(new AuthRoleAddRequest { Name = name });
        foreach (var (kind, key, end) in permissions) Grant(name, kind, key, end);
        AddUser(name, name);
    }

    public void Grant(string role, Permission.Types.Type kind, string key, string end = "") => Do(new AuthRoleGrantPermissionRequest
    {
        Name = role,
        Perm = new Permission { PermType = kind, Key = TestStore.Bytes(key), RangeEnd = TestStore.Bytes(end) },
    });
}
