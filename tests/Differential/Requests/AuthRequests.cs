using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Requests;

/// <summary>Users, roles and permissions, and calls by one user or another.</summary>
internal sealed class AuthRequests(Draw draw, KvRequests keys)
{
    public const string Root = "root";

    /// <summary>A user whose token nobody has issued.</summary>
    public const string Stranger = "?";

    private static readonly string[] Users = ["alice", "bob", "eve"];
    private static readonly string[] Roles = ["readers", "writers", "all"];

    /// <summary>What it takes to enable authentication, with two users who may do something.</summary>
    public IEnumerable<Call> Setup() =>
    [
        new(new AuthUserAddRequest { Name = Root, Password = Root }),
        new(new AuthRoleAddRequest { Name = Root }),
        new(new AuthUserGrantRoleRequest { User = Root, Role = Root }),
        new(new AuthUserAddRequest { Name = Users[0], Password = Users[0] }),
        new(new AuthUserAddRequest { Name = Users[1], Password = Users[1] }),
        new(new AuthRoleAddRequest { Name = Roles[0] }),
        new(new AuthRoleAddRequest { Name = Roles[1] }),
        new(new AuthUserGrantRoleRequest { User = Users[0], Role = Roles[0] }),
        new(new AuthUserGrantRoleRequest { User = Users[1], Role = Roles[1] }),
        new(GrantPermission(Roles[0])),
        new(GrantPermission(Roles[1])),
        new(new AuthEnableRequest()),
        .. Login(),
    ];

    /// <summary>Tokens for all; before authentication is enabled, refusals.</summary>
    public static IEnumerable<Call> Login() =>
        new[] { Root, Users[0], Users[1] }.Select(user => new Call(LoginOf(user)));

    /// <summary>With the password that a user has at first, and root always.</summary>
    public static AuthenticateRequest LoginOf(string user) => new() { Name = user, Password = user };

    /// <summary>Who makes a call.</summary>
    public string? Caller() => draw.Weighted<string?>(
        (10, () => Root), (6, () => Users[0]), (6, () => Users[1]), (2, () => null), (1, () => Stranger));

    public IMessage Any() => draw.Weighted<IMessage>(
        (2, () => new AuthEnableRequest()),
        (1, () => new AuthDisableRequest()),
        (2, () => new AuthStatusRequest()),
        (4, () => new AuthenticateRequest { Name = User(), Password = Password() }),
        (4, AddUser),
        (2, () => new AuthUserGetRequest { Name = User() }),
        (1, () => new AuthUserListRequest()),
        (1, () => new AuthUserDeleteRequest { Name = User() }),
        (1, ChangePassword),
        (4, () => new AuthUserGrantRoleRequest { User = User(), Role = Role() }),
        (2, () => new AuthUserRevokeRoleRequest { Name = User(), Role = Role() }),
        (3, () => new AuthRoleAddRequest { Name = Role() }),
        (2, () => new AuthRoleGetRequest { Role = Role() }),
        (1, () => new AuthRoleListRequest()),
        (1, () => new AuthRoleDeleteRequest { Role = Role() }),
        (5, () => GrantPermission(Role())),
        (3, () => new AuthRoleRevokePermissionRequest { Role = Role(), Key = keys.Key(), RangeEnd = keys.AnyEnd() }));

    private AuthUserAddRequest AddUser()
    {
        var user = User();
        return new() { Name = user, Password = PasswordFor(user), Options = user != Root && draw.Percent(20) ? new() { NoPassword = true } : null };
    }

    private AuthUserChangePasswordRequest ChangePassword()
    {
        var user = User();
        return new() { Name = user, Password = PasswordFor(user) };
    }

    /// <summary>That of root stays what it is: the end of a sequence needs it.</summary>
    private string PasswordFor(string user) => user == Root ? Root : Password();

    private AuthRoleGrantPermissionRequest GrantPermission(string role) => new()
    {
        Name = role,
        Perm = draw.Percent(2) ? null : new() { PermType = draw.Of(Permission.Types.Type.Read, Permission.Types.Type.Write, Permission.Types.Type.Readwrite), Key = keys.Key(), RangeEnd = keys.AnyEnd() },
    };

    private string User() => draw.Weighted((12, () => draw.Of(Users)), (3, () => Root), (1, () => ""), (1, () => "nobody"));

    private string Password() => draw.Weighted((8, () => draw.Of(Users)), (1, () => ""), (1, () => "wrong"));

    private string Role() => draw.Weighted((12, () => draw.Of(Roles)), (2, () => Root), (1, () => ""), (1, () => "none"));
}
