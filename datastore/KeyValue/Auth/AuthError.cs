namespace Raft.KeyValue.Auth;

/// <summary>The refusals of authentication and permission; codes and texts are etcd's, which clients match.</summary>
public static class AuthError
{
    /// <summary>Authentication was asked for while it is off.</summary>
    public static readonly StoreError NotEnabled = Precondition("authentication is not enabled");

    /// <summary>Name or password are wrong; which of them is not told.</summary>
    public static readonly StoreError Failed = Invalid("authentication failed, invalid user ID or password");

    /// <summary>A password for a user who has none. etcd gives no code.</summary>
    public static readonly StoreError NoPasswordUser =
        new(StoreErrorKind.Unknown, "auth: authentication failed, password was given for no password user");

    /// <summary>The token is unknown, expired or forged: authenticate again.</summary>
    public static readonly StoreError InvalidToken = new(StoreErrorKind.Unauthenticated, Prefix + "invalid auth token");

    /// <summary>Users or roles have changed since the token was looked at: authenticate again.</summary>
    public static readonly StoreError OldRevision = Invalid("revision of auth store is old");

    /// <summary>The user's roles do not allow it.</summary>
    public static readonly StoreError PermissionDenied = new(StoreErrorKind.PermissionDenied, Prefix + "permission denied");

    /// <summary>A request without a user while authentication is on, or a user without a name.</summary>
    public static readonly StoreError UserEmpty = Invalid("user name is empty");

    /// <summary>No such user.</summary>
    public static readonly StoreError UserNotFound = Precondition("user name not found");

    /// <summary>The name is taken.</summary>
    public static readonly StoreError UserExists = Precondition("user name already exists");

    /// <summary>A role without a name.</summary>
    public static readonly StoreError RoleEmpty = Invalid("role name is empty");

    /// <summary>No such role.</summary>
    public static readonly StoreError RoleNotFound = Precondition("role name not found");

    /// <summary>The name is taken.</summary>
    public static readonly StoreError RoleExists = Precondition("role name already exists");

    /// <summary>The user does not have the role.</summary>
    public static readonly StoreError RoleNotGranted = Precondition("role is not granted to the user");

    /// <summary>A grant of nothing.</summary>
    public static readonly StoreError PermissionNotGiven = Invalid("permission not given");

    /// <summary>The role has no permission for exactly this range.</summary>
    public static readonly StoreError PermissionNotGranted = Precondition("permission is not granted to the role");

    /// <summary>Authentication cannot be switched on before there is a user root.</summary>
    public static readonly StoreError RootUserMissing = Precondition("root user does not exist");

    /// <summary>Authentication cannot be switched on before the user root has the role root.</summary>
    public static readonly StoreError RootRoleMissing = Precondition("root user does not have root role");

    /// <summary>It would lock everybody out (the user or role root), or a permission for no key.</summary>
    public static readonly StoreError InvalidManagement = Invalid("invalid auth management");

    private const string Prefix = "etcdserver: ";

    private static StoreError Invalid(string text) => new(StoreErrorKind.InvalidArgument, Prefix + text);

    private static StoreError Precondition(string text) => new(StoreErrorKind.FailedPrecondition, Prefix + text);
}
