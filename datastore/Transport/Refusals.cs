using System.Net.Sockets;
using Grpc.Core;
using Raft.KeyValue;
using Raft.Node;
using Raft.Node.Ports;

namespace Raft.Transport;

/// <summary>
/// A leader's refusal on its way to the follower that asked: status and text as a client would see them, and one trailer that
/// tells who refused and whether the request surely was not done.
/// </summary>
internal static class Refusals
{
    private const string Trailer = "raft-refusal";
    private const string ByStore = "store";
    private const string ByNode = "node";
    private const string ByNodeNotDone = "node-not-done";
    private const string NotTaken = "not-taken";

    /// <summary>Marks a refusal that was made before the request reached the member.</summary>
    public static Metadata MarkNotTaken(Metadata trailers)
    {
        trailers.Add(Trailer, NotTaken);
        return trailers;
    }

    /// <summary>What the service throws for what the node threw.</summary>
    public static RpcException ToWire(CommandRefusedException refusal) => new(
        new(Enum.Parse<StatusCode>(refusal.Error.Kind.ToString()), refusal.Error.Message), new Metadata { { Trailer, ByStore } });

    /// <summary>What the service throws for what the node threw.</summary>
    public static RpcException ToWire(RequestRefusedException refusal) => new(
        new(Enum.Parse<StatusCode>(refusal.Error.Kind.ToString()), refusal.Error.Message),
        new Metadata { { Trailer, refusal.SurelyNotDone ? ByNodeNotDone : ByNode } });

    /// <summary>What the follower throws for what came back.</summary>
    public static Exception FromWire(RpcException error, string url)
    {
        var status = error.Status;
        var by = error.Trailers.GetValue(Trailer);
        if (by == ByStore && Enum.TryParse<StoreErrorKind>(status.StatusCode.ToString(), out var storeKind))
        {
            return new CommandRefusedException(new(storeKind, status.Detail));
        }

        // Whoever is asked may have lost its leadership; the request can go to the next leader.
        if (by is ByNode or ByNodeNotDone && status.Detail != NodeError.NotLeader.Message
            && Enum.TryParse<NodeErrorKind>(status.StatusCode.ToString(), out var nodeKind))
        {
            return new RequestRefusedException(new(nodeKind, status.Detail), by == ByNodeNotDone);
        }

        var surelyNotDone = by is NotTaken or ByNodeNotDone || NeverConnected(status.DebugException);
        return new ForwardingException(surelyNotDone, PeerChannel.Explain(error, url), error);
    }

    /// <summary>Failures to connect; one in the middle of a call comes as an IOException around the socket's.</summary>
    private static bool NeverConnected(Exception? cause) => cause is SocketException or HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError,
    };
}
