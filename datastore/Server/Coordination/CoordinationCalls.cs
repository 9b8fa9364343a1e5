using Grpc.Core;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Coordination;

/// <summary>Runs calls in which clients wait for one another: locks and elections.</summary>
internal sealed class CoordinationCalls(
    MemberHost host, KvService kv, Lease.LeaseBase leases, ServerOptions options, IHostApplicationLifetime lifetime)
{
    /// <summary>Runs a call to its end, or until this member stops.</summary>
    /// <exception cref="RpcException">The refusal.</exception>
    /// <exception cref="OperationCanceledException">The client gave up.</exception>
    public Task<T> RunAsync<T>(ServerCallContext context, Func<CoordinationCall, Task<T>> body) => Refusals.AsStatusAsync(async () =>
    {
        var member = host.Require();
        member.RefuseIfLearner();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var leaderless = LeaderlessStreams.EndWithoutLeader(member, context, options, ended);
        try
        {
            return await body(new CoordinationCall(member, kv, leases, context, ended.Token));
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            leaderless?.ThrowIfEnded();
            throw Refusals.ToStatus(NodeError.Stopped);
        }
    });
}
