using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Auth;

/// <summary>
/// Changes users and roles by etcd's rules (server/auth of etcd 3.5). They lie in the same store and the same batch as the data, so
/// at every place of the log it is certain which permissions hold.
/// </summary>
internal sealed class AuthTable(Overlay overlay, AuthState state)
{
    private List<Action<TokenTable>>? _tokens;

    /// <summary>What the commands so far have left.</summary>
    public AuthState State { get; private set; } = state;

    /// <summary>Is this one of the commands that <see cref="Apply"/> understands?</summary>
    public static bool Understands(Command command) => Understands(command.OperationCase);

    /// <summary>Is a command of this kind one of those that <see cref="Apply"/> understands?</summary>
    public static bool Understands(Command.OperationOneofCase operation) => operation is
        >= Command.OperationOneofCase.AuthEnable and <= Command.OperationOneofCase.AuthRoleRevokePermission;

    /// <summary>Applies a command whose caller may give it.</summary>
    public CommandResult Apply(Command command)
    {
        if (command.OperationCase == Command.OperationOneofCase.GrantToken) return GrantToken(command.GrantToken, command.TimeUnixMs);
        var refusal = Change(command);
        return new(refusal is null ? AnswerTo(command.OperationCase) : null, refusal);
    }

    /// <summary>The answer to a change that was made: it says no more than that.</summary>
    public static IMessage AnswerTo(Command.OperationOneofCase change) => change switch
    {
        Command.OperationOneofCase.AuthEnable => new AuthEnableResponse(),
        Command.OperationOneofCase.AuthDisable => new AuthDisableResponse(),
        Command.OperationOneofCase.AuthUserAdd => new AuthUserAddResponse(),
        Command.OperationOneofCase.AuthUserDelete => new AuthUserDeleteResponse(),
        Command.OperationOneofCase.AuthUserChangePassword => new AuthUserChangePasswordResponse(),
        Command.OperationOneofCase.AuthUserGrantRole => new AuthUserGrantRoleResponse(),
        Command.OperationOneofCase.AuthUserRevokeRole => new AuthUserRevokeRoleResponse(),
        Command.OperationOneofCase.AuthRoleAdd => new AuthRoleAddResponse(),
        Command.OperationOneofCase.AuthRoleDelete => new AuthRoleDeleteResponse(),
        Command.OperationOneofCase.AuthRoleGrantPermission => new AuthRoleGrantPermissionResponse(),
        Command.OperationOneofCase.AuthRoleRevokePermission => new AuthRoleRevokePermissionResponse(),
        _ => throw new NotSupportedException($"{change} is no change of users or roles."),
    };

    /// <summary>The transaction is committed: what it said of tokens holds from now on.</summary>
    public void Commit(TokenTable tokens) => _tokens?.ForEach(change => change(tokens));

    private StoreError? Change(Command command) => command.OperationCase switch
    {
        Command.OperationOneofCase.AuthEnable => Enable(),
        Command.OperationOneofCase.AuthDisable => Disable(),
        Command.OperationOneofCase.AuthUserAdd => Add(command.AuthUserAdd),
        Command.OperationOneofCase.AuthUserDelete => DeleteUser(command.AuthUserDelete.Name),
        Command.OperationOneofCase.AuthUserChangePassword => ChangePassword(command.AuthUserChangePassword),
        Command.OperationOneofCase.AuthUserGrantRole => Grant(command.AuthUserGrantRole),
        Command.OperationOneofCase.AuthUserRevokeRole => Revoke(command.AuthUserRevokeRole),
        Command.OperationOneofCase.AuthRoleAdd => AddRole(command.AuthRoleAdd.Name),
        Command.OperationOneofCase.AuthRoleDelete => DeleteRole(command.AuthRoleDelete.Role),
        Command.OperationOneofCase.AuthRoleGrantPermission => Grant(command.AuthRoleGrantPermission),
        Command.OperationOneofCase.AuthRoleRevokePermission => Revoke(command.AuthRoleRevokePermission),
        _ => throw new NotSupportedException($"{command.OperationCase} is no command about users."),
    };

    /// <summary>Enabling what is enabled changes nothing. As in etcd, the revision stays.</summary>
    private StoreError? Enable()
    {
        if (State.IsEnabled) return null;
        if (State.FindUser(AuthState.Root) is not { } root) return AuthError.RootUserMissing;
        if (!root.Roles.Contains(AuthState.Root)) return AuthError.RootRoleMissing;
        State = new AuthState(State.Version with { IsEnabled = true }, State.UserRecords, State.RoleRecords);
        return null;
    }

    private StoreError? Disable()
    {
        if (!State.IsEnabled) return null;
        State = new AuthState(State.Version.Next with { IsEnabled = false }, State.UserRecords, State.RoleRecords);
        Tokens(static tokens => tokens.Clear());
        return null;
    }

    /// <summary>The password was compared by whoever proposed this, so nothing may have changed since.</summary>
    private CommandResult GrantToken(TokenGrant grant, long unixMs)
    {
        if (!State.IsEnabled) return new(null, AuthError.NotEnabled);
        if (grant.AuthRevision != State.Revision) return new(null, AuthError.OldRevision);
        if (State.FindUser(grant.User) is null) return new(null, AuthError.Failed);
        Tokens(tokens => tokens.Add(grant, unixMs));
        return new(new AuthenticateResponse { Token = grant.Token }, null);
    }

    private StoreError? Add(AuthUserAddRequest request)
    {
        if (request.Name.Length == 0) return AuthError.UserEmpty;
        if (State.FindUser(request.Name) is not null) return AuthError.UserExists;
        var user = new UserRecord { Name = request.Name, NoPassword = request.Options?.NoPassword ?? false };
        if (!user.NoPassword)
        {
            if (!TryDecode(request.HashedPassword, out var hash)) return AuthError.NoPasswordUser;
            user.PasswordHash = hash;
        }
        Change(users: Put(State.UserRecords, user));
        return null;
    }

    private StoreError? DeleteUser(string name)
    {
        if (State.IsEnabled && name == AuthState.Root) return AuthError.InvalidManagement;
        if (State.FindUser(name) is null) return AuthError.UserNotFound;
        overlay.Delete(KeyLayout.UserKey(name));
        Change(users: State.UserRecords.Remove(name));
        Tokens(tokens => tokens.ForgetUser(name));
        return null;
    }

    /// <summary>A user without password gets none by this: as in etcd it succeeds all the same.</summary>
    private StoreError? ChangePassword(AuthUserChangePasswordRequest request)
    {
        if (State.FindUser(request.Name) is not { } user) return AuthError.UserNotFound;
        var changed = user.Clone();
        if (!user.NoPassword)
        {
            if (!TryDecode(request.HashedPassword, out var hash)) return AuthError.NoPasswordUser;
            changed.PasswordHash = hash;
        }
        Change(users: Put(State.UserRecords, changed));
        Tokens(tokens => tokens.ForgetUser(request.Name));
        return null;
    }

    /// <summary>The role root can be granted without having been added. Granting what is granted changes nothing.</summary>
    private StoreError? Grant(AuthUserGrantRoleRequest request)
    {
        if (State.FindUser(request.User) is not { } user) return AuthError.UserNotFound;
        if (request.Role != AuthState.Root && State.FindRole(request.Role) is null) return AuthError.RoleNotFound;
        if (user.Roles.Contains(request.Role)) return null;
        Change(users: Put(State.UserRecords, WithRoles(user, user.Roles.Append(request.Role).Order(StringComparer.Ordinal))));
        return null;
    }

    private StoreError? Revoke(AuthUserRevokeRoleRequest request)
    {
        if (State.IsEnabled && request.Name == AuthState.Root && request.Role == AuthState.Root) return AuthError.InvalidManagement;
        if (State.FindUser(request.Name) is not { } user) return AuthError.UserNotFound;
        if (!user.Roles.Contains(request.Role)) return AuthError.RoleNotGranted;
        Change(users: Put(State.UserRecords, WithRoles(user, user.Roles.Where(role => role != request.Role))));
        return null;
    }

    private StoreError? AddRole(string name)
    {
        if (name.Length == 0) return AuthError.RoleEmpty;
        if (State.FindRole(name) is not null) return AuthError.RoleExists;
        Change(roles: Put(State.RoleRecords, new RoleRecord { Name = name }));
        return null;
    }

    /// <summary>Whoever had the role has it no more.</summary>
    private StoreError? DeleteRole(string name)
    {
        if (State.IsEnabled && name == AuthState.Root) return AuthError.InvalidManagement;
        if (State.FindRole(name) is null) return AuthError.RoleNotFound;
        overlay.Delete(KeyLayout.RoleKey(name));
        var users = State.UserRecords;
        foreach (var user in State.UserRecords.Values)
            if (user.Roles.Contains(name)) users = Put(users, WithRoles(user, user.Roles.Where(role => role != name)));
        Change(users, State.RoleRecords.Remove(name));
        return null;
    }

    /// <summary>A range that the role has a permission for gets the new kind.</summary>
    private StoreError? Grant(AuthRoleGrantPermissionRequest request)
    {
        if (request.Perm is not { } permission) return AuthError.PermissionNotGiven;
        if (!NamesKeys(permission)) return AuthError.InvalidManagement;
        if (State.FindRole(request.Name) is not { } role) return AuthError.RoleNotFound;
        var changed = role.Clone();
        var at = IndexOf(changed.Permissions, permission.Key, permission.RangeEnd);
        if (at >= 0) changed.Permissions[at].PermType = permission.PermType;
        else changed.Permissions.Insert(PlaceFor(changed.Permissions, permission.Key), permission.Clone());
        Change(roles: Put(State.RoleRecords, changed));
        return null;
    }

    private StoreError? Revoke(AuthRoleRevokePermissionRequest request)
    {
        if (State.FindRole(request.Role) is not { } role) return AuthError.RoleNotFound;
        var at = IndexOf(role.Permissions, request.Key, request.RangeEnd);
        if (at < 0) return AuthError.PermissionNotGranted;
        var changed = role.Clone();
        changed.Permissions.RemoveAt(at);
        Change(roles: Put(State.RoleRecords, changed));
        return null;
    }

    private static bool NamesKeys(Permission permission) =>
        !permission.Key.IsEmpty
        && (permission.RangeEnd.IsEmpty || permission.RangeEnd is [0]
            || permission.Key.Span.SequenceCompareTo(permission.RangeEnd.Span) < 0);

    private static int IndexOf(RepeatedField<Permission> permissions, ByteString key, ByteString rangeEnd)
    {
        for (var at = 0; at < permissions.Count; at++)
            if (permissions[at].Key.Equals(key) && permissions[at].RangeEnd.Equals(rangeEnd)) return at;
        return -1;
    }

    private static int PlaceFor(RepeatedField<Permission> permissions, ByteString key)
    {
        var at = permissions.Count;
        while (at > 0 && permissions[at - 1].Key.Span.SequenceCompareTo(key.Span) > 0) at--;
        return at;
    }

    private static UserRecord WithRoles(UserRecord user, IEnumerable<string> roles)
    {
        var names = roles.ToList();
        var changed = user.Clone();
        changed.Roles.Clear();
        changed.Roles.AddRange(names);
        return changed;
    }

    private static bool TryDecode(string hashedPassword, out ByteString hash)
    {
        hash = ByteString.Empty;
        var bytes = new byte[hashedPassword.Length];
        if (!Convert.TryFromBase64String(hashedPassword, bytes, out var length)) return false;
        hash = ByteString.CopyFrom(bytes, 0, length);
        return true;
    }

    private ImmutableSortedDictionary<string, UserRecord> Put(ImmutableSortedDictionary<string, UserRecord> users, UserRecord user)
    {
        var name = user.Name;
        overlay.Put(KeyLayout.UserKey(name), user.ToByteArray());
        return users.SetItem(name, user);
    }

    private ImmutableSortedDictionary<string, RoleRecord> Put(ImmutableSortedDictionary<string, RoleRecord> roles, RoleRecord role)
    {
        var name = role.Name;
        overlay.Put(KeyLayout.RoleKey(name), role.ToByteArray());
        return roles.SetItem(name, role);
    }

    private void Change(ImmutableSortedDictionary<string, UserRecord>? users = null, ImmutableSortedDictionary<string, RoleRecord>? roles = null) =>
        State = new AuthState(State.Version.Next, users ?? State.UserRecords, roles ?? State.RoleRecords);

    private void Tokens(Action<TokenTable> change) => (_tokens ??= []).Add(change);
}
