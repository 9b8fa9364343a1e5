using System.Globalization;
using Grpc.Core;
using Raft.Protocol.V1;

namespace Raft.Server.Services;

/// <summary>The gRPC metadata that puts a request into a session (see <c>docs/exactly-once.md</c>).</summary>
internal static class SessionMetadata
{
    private const string Session = "raft-session";
    private const string Sequence = "raft-sequence";
    private const string Acknowledged = "raft-acknowledged";

    /// <summary>
    /// The stamp for a request's command; null: the client sent none, or asks for a lock or in an election. Those write more than
    /// once a call, and are repeated safely without: under the same lease they find what they did before.
    /// </summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: metadata that is incomplete or makes no sense.</exception>
    public static SessionStamp? Stamp(ServerCallContext context)
    {
        if (context.Method.StartsWith("/v3lockpb.", StringComparison.Ordinal) || context.Method.StartsWith("/v3electionpb.", StringComparison.Ordinal))
        {
            return null;
        }

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

    /// <summary>For requests that change nothing: the metadata has to be right, and means nothing.</summary>
    /// <exception cref="RpcException">As <see cref="Stamp"/>.</exception>
    public static void Check(ServerCallContext context) => Stamp(context);

    private static ulong? Number(ServerCallContext context, string name, ulong smallest)
    {
        if (context.Metadata(name) is not { } text)
        {
            return null;
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= smallest
            ? number
            : throw Invalid($"{name} must be sent once, as a decimal number from {smallest} to {ulong.MaxValue}");
    }

    private static RpcException Invalid(string text) => new(new Status(StatusCode.InvalidArgument, "raftserver: " + text));
}
