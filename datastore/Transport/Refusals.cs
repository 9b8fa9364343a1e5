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
    private const string ByStore = "store";
    private const string ByNode = "node";
    private const string ByNodeNotDone = "node-not-done";

    /// <summary>What is sent for what a forwarded request met.</summary>
    public static ForwardRefusal ToWire(Exception error) => error switch
    {
        CommandRefusedException { Error: var refusal } => Of(refusal.Kind.ToString(), refusal.Message, ByStore),
        RequestRefusedException { Error: var refusal, SurelyNotDone: var isNotDone } =>
            Of(refusal.Kind.ToString(), refusal.Message, isNotDone ? ByNodeNotDone : ByNode),
        RpcException { Status: var status } => new() { Code = (uint)status.StatusCode, Message = status.Detail },
        _ => new() { Code = (uint)StatusCode.Unknown, Message = error.Message },
    };

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

        return new ForwardingException(refusal.By == ByNodeNotDone, $"{url}: {refusal.Message} ({code})");
    }

    /// <param name="kind">The kind of the error, whose names are those of the codes.</param>
    /// <param name="message">As a client would see it.</param>
    /// <param name="by">Who refused.</param>
    private static ForwardRefusal Of(string kind, string message, string by) =>
        new() { Code = (uint)Enum.Parse<StatusCode>(kind), Message = message, By = by };
}
