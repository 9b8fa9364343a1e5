using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Watching;

/// <summary>etcdserverpb.Watch.</summary>
internal sealed class WatchService(MemberHost host, ServerOptions options, IHostApplicationLifetime lifetime) : WatchMethods.WatchBase
{
    public override async Task Watch(
        IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchFrame> responseStream, ServerCallContext context)
    {
        var member = host.Require();
        member.RefuseIfLearner();
        member.HonourHasLeader(context);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var leaderless = LeaderlessStreams.EndWithoutLeader(member, context, options, ended);
        try
        {
            using var session = new WatchSession(member, options, requestStream, responseStream);
            await session.RunAsync(ended.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            leaderless?.ThrowIfEnded();
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                throw Refusals.ToStatus(Node.NodeError.Stopped);
            }
        }
    }
}
