using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Server.Authentication;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Watching;

/// <summary>etcdserverpb.Watch.</summary>
internal sealed class WatchService(MemberHost host, ServerOptions options, Callers callers, IHostApplicationLifetime lifetime) : WatchMethods.WatchBase
{
    public override async Task Watch(
        IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchFrame> responseStream, ServerCallContext context)
    {
        var member = host.Require();
        member.RefuseIfLearner();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var leaderless = LeaderlessStreams.EndWithoutLeader(member, context, options, ended);
        try
        {
            using var session = new WatchSession(
                member, options, requestStream, responseStream, request => RefusalAsync(member, context, request));
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

    /// <summary>Why the caller may not watch, as etcd writes it; null: they may. It is asked once, when the watch begins.</summary>
    private async ValueTask<string?> RefusalAsync(RunningMember member, ServerCallContext context, WatchCreateRequest request)
    {
        if (!member.Node.Store.Auth.IsEnabled)
        {
            return null;
        }

        try
        {
            var identity = await callers.IdentityAsync(member, context);

            // The first of all keys is written so, here as in etcd.
            var key = request.Key.IsEmpty ? ByteString.CopyFrom(0) : request.Key;
            using var view = member.Node.Store.OpenView();
            Refusals.ThrowIfRefused(view.Auth.CheckRead(identity, key, request.RangeEnd));
            return null;
        }
        catch (RpcException refusal)
        {
            return $"rpc error: code = {refusal.StatusCode} desc = {refusal.Status.Detail}";
        }
    }
}
