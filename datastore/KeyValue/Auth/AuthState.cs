using System.Collections.Concurrent;
using System.Collections.Immutable;
using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Auth;

/// <summary>
/// Users, roles and what they allow, as of one revision of the auth store; it never changes. There are few of them, so all are in
/// memory, and what a user may do is worked out when it is first asked for: after that a check is one lookup and one search.
/// </summary>
public sealed class AuthState
{
    /// <summary>The user who must exist, and the role that may do everything.</summary>
    public const string Root = "root";

    private readonly ConcurrentDictionary<string, Access?> _access = new(StringComparer.Ordinal);

    internal AuthState(AuthVersion version, ImmutableSortedDictionary<string, UserRecord> users, ImmutableSortedDictionary<string, RoleRecord> roles) =>
        (Version, UserRecords, RoleRecords) = (version, users, roles);

    /// <summary>Is anything checked? While this is false everybody may do everything.</summary>
    public bool IsEnabled => Version.IsEnabled;

    /// <summary>Counts the changes; etcd shows it as authRevision.</summary>
    public ulong Revision => Version.Revision;

    /// <summary>The names of all users, in order.</summary>
    public IEnumerable<string> Users => UserRecords.Keys;

    /// <summary>The names of all roles, in order.</summary>
    public IEnumerable<string> Roles => RoleRecords.Keys;

    internal AuthVersion Version { get; }

    internal ImmutableSortedDictionary<string, UserRecord> UserRecords { get; }

    internal ImmutableSortedDictionary<string, RoleRecord> RoleRecords { get; }

    /// <summary>A user with password hash and roles, or null. Not to be changed.</summary>
    public UserRecord? FindUser(string name) => UserRecords.GetValueOrDefault(name);

    /// <summary>The permissions that a role was granted, or null: there is no such role. root needs none, and as in etcd 3.5 shows none.</summary>
    public IReadOnlyList<Permission>? PermissionsOf(string role) => FindRole(role)?.Permissions;

    internal RoleRecord? FindRole(string name) => RoleRecords.GetValueOrDefault(name);

    /// <summary>May the caller read these keys? Null: yes.</summary>
    /// <param name="identity">Who asks; null: it is not known.</param>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">By etcd's convention; empty: the one key.</param>
    public StoreError? CheckRead(AuthIdentity? identity, ByteString key, ByteString rangeEnd)
    {
        if (!IsEnabled) return null;
        var refusal = TryFind(identity, out var access);
        return refusal ?? (access!.IsRoot || access.Readable.Covers(key, rangeEnd) ? null : AuthError.PermissionDenied);
    }

    /// <summary>May the caller write these keys? Null: yes.</summary>
    /// <param name="identity">Who asks; null: it is not known.</param>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">By etcd's convention; empty: the one key.</param>
    public StoreError? CheckWrite(AuthIdentity? identity, ByteString key, ByteString rangeEnd)
    {
        if (!IsEnabled) return null;
        var refusal = TryFind(identity, out var access);
        return refusal ?? (access!.IsRoot || access.Writable.Covers(key, rangeEnd) ? null : AuthError.PermissionDenied);
    }

    /// <summary>Does the caller have the role root? Null: yes. As in etcd, an older revision of the auth store does not matter here.</summary>
    public StoreError? CheckRoot(AuthIdentity? identity) =>
        !IsEnabled ? null
        : identity is null || identity.User.Length == 0 ? AuthError.UserEmpty
        : Find(identity.User) is { IsRoot: true } ? null
        : AuthError.PermissionDenied;

    /// <summary>Is the caller any user that exists? Null: yes.</summary>
    public StoreError? CheckUser(AuthIdentity? identity) =>
        !IsEnabled ? null
        : identity is null || identity.User.Length == 0 ? AuthError.UserEmpty
        : UserRecords.ContainsKey(identity.User) ? null
        : AuthError.PermissionDenied;

    /// <summary>What a store says; an empty one has neither users nor roles.</summary>
    internal static AuthState Load(IStateReader reader, AuthVersion version)
    {
        var (users, roles) = (Names<UserRecord>(), Names<RoleRecord>());
        if (version != AuthVersion.Blank)
        {
            Read(reader, KeyLayout.UserPrefix.Span, UserRecord.Parser, static user => user.Name, users);
            Read(reader, KeyLayout.RolePrefix.Span, RoleRecord.Parser, static role => role.Name, roles);
        }
        return new AuthState(version, users.ToImmutable(), roles.ToImmutable());
    }

    private static ImmutableSortedDictionary<string, T>.Builder Names<T>() =>
        ImmutableSortedDictionary.CreateBuilder<string, T>(StringComparer.Ordinal);

    private static void Read<T>(
        IStateReader reader,
        ReadOnlySpan<byte> prefix,
        MessageParser<T> parser,
        Func<T, string> name,
        ImmutableSortedDictionary<string, T>.Builder records)
        where T : IMessage<T>
    {
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter(prefix); stands && cursor.Key.StartsWith(prefix); stands = cursor.MoveNext())
        {
            var record = parser.ParseFrom(cursor.Value);
            records.Add(name(record), record);
        }
    }

    private StoreError? TryFind(AuthIdentity? identity, out Access? access)
    {
        access = null;
        if (identity is null || identity.User.Length == 0 || identity.AuthRevision == 0) return AuthError.UserEmpty;
        if (identity.AuthRevision < Revision) return AuthError.OldRevision;
        access = Find(identity.User);
        return access is null ? AuthError.PermissionDenied : null;
    }

    private Access? Find(string user)
    {
        // Only users are remembered: anybody can make up names.
        if (_access.TryGetValue(user, out var access)) return access;
        if (FindUser(user) is not { } record) return null;
        var permissions = record.Roles.SelectMany(role => FindRole(role)?.Permissions ?? []).ToList();
        access = new Access(
            record.Roles.Contains(Root),
            new KeySet(permissions, Permission.Types.Type.Read),
            new KeySet(permissions, Permission.Types.Type.Write));
        _access.TryAdd(user, access);
        return access;
    }

    /// <summary>What one user may do.</summary>
    private sealed record Access(bool IsRoot, KeySet Readable, KeySet Writable);
}
