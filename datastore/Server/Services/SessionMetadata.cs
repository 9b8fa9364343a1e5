using System.Collections.Frozen;
using System.Globalization;
using Grpc.Core;
using Raft.Protocol.V1;

namespace Raft.Server.Services;

/// <summary>
/// The gRPC metadata that puts a request into a session (see <c>docs/exactly-once.md</c>). No call passes over it in silence: a
/// request is stamped with it, or is a read, to which it means nothing, or is refused.
/// </summary>
internal static class SessionMetadata
{
    private const string Session = "raft-session";
    private const string Sequence = "raft-sequence";
    private const string Acknowledged = "raft-acknowledged";

    /// <summary>Those that become one command each. Their services stamp it.</summary>
    private static readonly FrozenSet<string> Stamped = Methods(
        ("etcdserverpb.KV", "Put DeleteRange Txn Compact"),
        ("etcdserverpb.Lease", "LeaseGrant LeaseRevoke"),
        ("etcdserverpb.Maintenance", "Alarm Downgrade"),
        ("etcdserverpb.Auth", "AuthEnable AuthDisable UserAdd UserDelete UserChangePassword UserGrantRole UserRevokeRole "
            + "RoleAdd RoleDelete RoleGrantPermission RoleRevokePermission"));

    /// <summary>Those that change nothing, and can be repeated as they are.</summary>
    private static readonly FrozenSet<string> Reads = Methods(
        ("etcdserverpb.KV", "Range RangeStream"),
        ("etcdserverpb.Lease", "LeaseTimeToLive LeaseLeases"),
        ("etcdserverpb.Cluster", "MemberList"),
        ("etcdserverpb.Maintenance", "Status Hash HashKV Snapshot"),
        ("etcdserverpb.Auth", "AuthStatus Authenticate UserGet UserList RoleGet RoleList"),
        ("raft.v1.Bootstrap", "Identity"));

    /// <summary>To be asked of every call, before it begins.</summary>
    /// <exception cref="RpcException">
    /// INVALID_ARGUMENT: metadata that is incomplete or makes no sense, or a request that cannot be in a session.
    /// </exception>
    public static void Check(ServerCallContext context)
    {
        // gRPC's own services (reflection, health) get what a client sends with all of its calls.
        if (!IsSent(context) || context.Method.StartsWith("/grpc.", StringComparison.Ordinal))
        {
            return;
        }

        if (!Stamped.Contains(context.Method) && !Reads.Contains(context.Method))
        {
            throw Invalid(
                $"{context.Method[1..]} cannot be in a session: send it without {Session}, {Sequence} and {Acknowledged}. "
                + $"What can: {string.Join(", ", Stamped.Select(static method => method[(method.LastIndexOf('/') + 1)..]).Order(StringComparer.Ordinal))}");
        }

        Stamp(context);
    }

    /// <summary>The stamp for a request's command; null: the client sent none.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: metadata that is incomplete or makes no sense.</exception>
    public static SessionStamp? Stamp(ServerCallContext context)
    {
        var session = Number(context, Session, smallest: 1);
        var sequence = Number(context, Sequence, smallest: 1);
        var acknowledged = Number(context, Acknowledged, smallest: 0);
        return (session, sequence) switch
        {
            (null, null) when acknowledged is null => null,
            (null, _) => throw Invalid($"{Session} is missing: send the id that raft.v1.Sessions/Open gave, or none of the three"),
            (_, null) => throw Invalid($"{Sequence} is missing: number the session's requests from 1, a retry as its first attempt"),
            _ when acknowledged >= sequence => throw Invalid(
                $"{Acknowledged} must be below {Sequence}: it says that this and all smaller numbers have been answered"),
            _ => new SessionStamp { Session = session.Value, Sequence = sequence.Value, Acknowledged = acknowledged ?? 0 },
        };
    }

    private static bool IsSent(ServerCallContext context) =>
        context.Metadata(Session) is not null || context.Metadata(Sequence) is not null || context.Metadata(Acknowledged) is not null;

    private static ulong? Number(ServerCallContext context, string name, ulong smallest)
    {
        if (context.Metadata(name) is not { } text)
        {
            return null;
        }

        // TryParse passes over zero bytes at the end.
        return !text.AsSpan().ContainsAnyExceptInRange('0', '9')
            && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= smallest
            ? number
            : throw Invalid($"{name} must be sent once, as a decimal number from {smallest} to {ulong.MaxValue}");
    }

    private static FrozenSet<string> Methods(params (string Service, string Names)[] methods) =>
        methods.SelectMany(static of => of.Names.Split(' ').Select(name => $"/{of.Service}/{name}")).ToFrozenSet(StringComparer.Ordinal);

    private static RpcException Invalid(string text) => new(new Status(StatusCode.InvalidArgument, "raftserver: " + text));
}
