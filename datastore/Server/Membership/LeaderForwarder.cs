using System.Net.Sockets;
using Grpc.Core;
using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Transport;

namespace Raft.Server.Membership;

/// <summary>
/// Forwards over gRPC, and tells the three ways to fail apart: the leader refused (its answer is the client's), the request
/// surely did not reach a leader (it may be tried again), or nobody knows.
/// </summary>
internal sealed class LeaderForwarder(TimeSpan timeout) : IForwarder
{
    private PeerTransport? _transport;

    public void Use(PeerTransport transport) => _transport = transport;

    public async Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            return await _transport!.ForwardAsync(leader, request, limit.Token);
        }
        catch (RpcException error) when (error.Status.Detail == NodeError.NotLeader.Message || WasNeverSent(error))
        {
            throw new ForwardingException(surelyNotDone: true, error.Status.Detail, error);
        }
        catch (RpcException error) when (IsLost(error))
        {
            throw new ForwardingException(surelyNotDone: false, error.Status.Detail, error);
        }
        catch (ObjectDisposedException error)
        {
            throw new ForwardingException(surelyNotDone: false, "the connection was closed", error);
        }
    }

    public async Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            return await _transport!.ReadIndexAsync(leader, limit.Token);
        }
        catch (Exception error) when (error is RpcException or ObjectDisposedException)
        {
            throw new ForwardingException(surelyNotDone: true, error.Message, error);
        }
    }

    private static bool IsLost(RpcException error) =>
        error.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Unknown
        && !error.Status.Detail.StartsWith("etcdserver: ", StringComparison.Ordinal);

    private static bool WasNeverSent(RpcException error) =>
        error.StatusCode == StatusCode.Unavailable
        && (error.Status.DebugException is HttpRequestException { InnerException: SocketException }
            || error.Status.Detail.StartsWith("member ", StringComparison.Ordinal)
            || error.Status.Detail.StartsWith("this member has not been started", StringComparison.Ordinal));
}
