using Grpc.Core;
using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// Who talks to whom: whoever calls names the cluster, itself and the member it means, and whoever answers names the cluster and
/// itself. Both sides check, so that a reused address cannot mix two clusters up.
/// </summary>
internal static class PeerHandshake
{
    /// <summary>
    /// Of the first frame in either direction, which names a few numbers or a reason: whoever has not said yet who it is gets no more
    /// memory than that.
    /// </summary>
    public const int FrameBytesMax = 4 * 1024;

    /// <summary>Checks the first answer on a stream.</summary>
    /// <exception cref="InvalidDataException">It comes from someone else.</exception>
    /// <exception cref="RpcException">It is a refusal.</exception>
    public static void CheckAnswer(PeerReply? answer, MemberId expected, PeerOptions options)
    {
        if (answer is { ClusterId: not 0 } && answer.ClusterId != options.ClusterId)
        {
            throw new InvalidDataException($"the member there belongs to cluster {answer.ClusterId:x}, not to {options.ClusterId:x}");
        }

        if (answer is { Member: not 0 } && answer.Member != expected.Value)
        {
            throw new InvalidDataException($"the member there is {new MemberId(answer.Member)}, not {expected}");
        }

        ThrowIfRefused(answer);
        if (answer is null or { ClusterId: 0 } or { Member: 0 })
        {
            throw new InvalidDataException("what answers there is no peer");
        }
    }

    /// <exception cref="RpcException">The answer is a refusal.</exception>
    public static void ThrowIfRefused(PeerReply? answer)
    {
        if (answer?.Refusal is { } refusal)
        {
            throw new RpcException(new((StatusCode)refusal.Code, refusal.Message));
        }
    }

    /// <summary>Checks what a sender says of itself and of whom it takes this member for.</summary>
    /// <exception cref="RpcException">It is wrong here.</exception>
    public static void Check(PeerFrame head, PeerOptions options, IPeerInbox inbox)
    {
        if (head.To != options.Self.Value && head.ClusterId == options.ClusterId)
        {
            throw new RpcException(new(
                StatusCode.FailedPrecondition, $"this is member {options.Self}, not {new MemberId(head.To)}"));
        }

        CheckSender(head.ClusterId, head.From, options, inbox);
    }

    /// <summary>Checks what a sender says of itself.</summary>
    /// <exception cref="RpcException">It is wrong here.</exception>
    public static void CheckSender(ulong clusterId, ulong from, PeerOptions options, IPeerInbox inbox)
    {
        if (clusterId != options.ClusterId)
        {
            throw new RpcException(new(
                StatusCode.FailedPrecondition, $"this member belongs to cluster {options.ClusterId:x}, not to {clusterId:x}"));
        }

        if (inbox.IsRemoved(new(from)))
        {
            throw new RpcException(new(
                StatusCode.PermissionDenied, $"member {new MemberId(from)} has been removed from the cluster"));
        }
    }
}
