using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>One client's own connections to all members, of which it uses one until that fails, or, if it is loyal, always the same.</summary>
internal sealed class Connections(IReadOnlyList<Member> members, int first, bool isLoyal) : IDisposable
{
    private readonly IReadOnlyList<GrpcChannel> _channels = [.. members.Select(member => member.Connect())];
    private int _current = first;

    public KV.KVClient KeyValue => new(Current);

    public Sessions.SessionsClient Sessions => new(Current);

    public Watch.WatchClient Watching => new(Current);

    public Lease.LeaseClient Leases => new(Current);

    private GrpcChannel Current => _channels[_current % _channels.Count];

    /// <summary>To the next member, unless the client is loyal.</summary>
    public void GoOn() => _current += isLoyal ? 0 : 1;

    public void Dispose()
    {
        foreach (var channel in _channels)
            channel.Dispose();
    }

    /// <summary>Whether an attempt is sure to have no effect, now and later: it never left this machine, or was refused for good.</summary>
    public static bool IsWithoutEffect(RpcException failure) =>
        failure.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange
            or StatusCode.ResourceExhausted or StatusCode.NotFound
        || failure.Status.DebugException?.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
}
