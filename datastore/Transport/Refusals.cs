using System.Net.Sockets;
using Grpc.Core;
using Raft.KeyValue;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// A leader's refusal on its way to the follower that asked: status and text as a client would see them, and a mark that tells
/// who refused and whether the request surely was not done.
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

    /// <summary>What is sent for what a forwarded request met.</summary>
    public static ForwardRefusal ToWire(Exception error) => error is RpcException refusal
        ? new() { Code = (uint)refusal.StatusCode, Message = refusal.Status.Detail, By = refusal.Trailers.GetValue(Trailer) ?? "" }
        : new() { Code = (uint)StatusCode.Unknown, Message = error.Message };

    /// <summary>What the follower throws for what came back.</summary>
    public static Exception FromWire(ForwardRefusal refusal, string url)
    {
        var code = ((StatusCode)refusal.Code).ToString();
        if (refusal.By == ByStore && Enum.TryParse<StoreErrorKind>(code, out var storeKind))
        {
            return new CommandRefusedException(new(storeKind, refusal.Message));
        }

        // Whoever is asked may have lost its leadership; the request can go to the next leader.
        if (refusal.By is ByNode or ByNodeNotDone && refusal.Message != NodeError.NotLeader.Message
            && Enum.TryParse<NodeErrorKind>(code, out var nodeKind))
        {
            return new RequestRefusedException(new(nodeKind, refusal.Message), refusal.By == ByNodeNotDone);
        }

        return new ForwardingException(refusal.By is NotTaken or ByNodeNotDone, $"{url}: {refusal.Message} ({code})");
    }

    /// <summary>Whether nothing that was sent by the failed call was looked at.</summary>
    public static bool WasNotTaken(RpcException error) =>
        error.Trailers.GetValue(Trailer) == NotTaken || NeverConnected(error.Status.DebugException);

    /// <summary>Failures to connect; one in the middle of a call comes as an IOException around the socket's.</summary>
    private static bool NeverConnected(Exception? cause) => cause is SocketException or HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError,
    };
}
