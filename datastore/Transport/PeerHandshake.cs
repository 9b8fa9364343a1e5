using System.Globalization;
using Grpc.Core;
using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// Who talks to whom: every call names the cluster, the sender and the member it is meant for, and every answer names the
/// cluster and the member that gives it. Both sides check, so that a reused address cannot mix two clusters up.
/// </summary>
internal static class PeerHandshake
{
    private const string ClusterHeader = "raft-cluster-id";
    private const string MemberHeader = "raft-member-id";

    /// <summary>What the receiver says of itself.</summary>
    public static Metadata Headers(PeerOptions options) => new()
    {
        { ClusterHeader, options.ClusterId.ToString("x", CultureInfo.InvariantCulture) },
        { MemberHeader, options.Self.ToString() },
    };

    /// <summary>Waits for the receiver's answer and checks that it is who it should be.</summary>
    /// <returns>False: it refused the call, and the call's own answer says why.</returns>
    /// <exception cref="InvalidDataException">It is someone else.</exception>
    /// <exception cref="RpcException">The call failed.</exception>
    public static async Task<bool> CheckAsync(Task<Metadata> answer, MemberId expected, PeerOptions options, CancellationToken cancellation)
    {
        var headers = await answer.WaitAsync(options.ConnectTimeout * 2, cancellation).ConfigureAwait(false);
        var (cluster, member) = (headers.GetValue(ClusterHeader), headers.GetValue(MemberHeader));
        if (cluster is not null && cluster != options.ClusterId.ToString("x", CultureInfo.InvariantCulture))
        {
            throw new InvalidDataException($"the member there belongs to cluster {cluster}, not to {options.ClusterId:x}");
        }

        if (member is not null && member != expected.ToString())
        {
            throw new InvalidDataException($"the member there is {member}, not {expected}");
        }

        return cluster is not null && member is not null;
    }

    /// <summary>Checks what a sender says of itself and of whom it takes this member for.</summary>
    /// <exception cref="RpcException">It is wrong here.</exception>
    public static void Check(PeerFrame head, PeerOptions options, IPeerInbox inbox)
    {
        if (head.To != options.Self.Value && head.ClusterId == options.ClusterId)
        {
            throw new RpcException(new(
                StatusCode.FailedPrecondition, $"this is member {options.Self}, not {new MemberId(head.To)}"),
                Refusals.MarkNotTaken(Headers(options)));
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
                StatusCode.FailedPrecondition, $"this member belongs to cluster {options.ClusterId:x}, not to {clusterId:x}"),
                Refusals.MarkNotTaken(Headers(options)));
        }

        if (inbox.IsRemoved(new(from)))
        {
            throw new RpcException(new(
                StatusCode.PermissionDenied, $"member {new MemberId(from)} has been removed from the cluster"),
                Refusals.MarkNotTaken(Headers(options)));
        }
    }
}
