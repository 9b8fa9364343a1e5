using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Hosting;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>etcdserverpb.Lease.</summary>
internal sealed class LeaseService(
    MemberHost host, ServerOptions options, Callers callers, AnswerBudget answers, TimeProvider time, IHostApplicationLifetime lifetime)
    : Lease.LeaseBase
{
    /// <summary>A time to live below it would end while a new leader is being elected.</summary>
    private readonly long _smallestTtl = (long)Math.Ceiling(1.5 * options.ElectionTimeout.TotalSeconds);

    public override async Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context)
    {
        var member = Open();
        while (request.ID == 0)
        {
            request.ID = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) & long.MaxValue;
        }

        request.TTL = Math.Max(request.TTL, _smallestTtl);
        var response = await ProposeAsync<LeaseGrantResponse>(member, context, new Command { LeaseGrant = request, Session = SessionMetadata.Stamp(context) });
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context)
    {
        var member = Open();
        var response = await ProposeAsync<LeaseRevokeResponse>(member, context, new Command { LeaseRevoke = request, Session = SessionMetadata.Stamp(context) });
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream, IServerStreamWriter<LeaseKeepAliveResponse> responseStream, ServerCallContext context)
    {
        var member = Open();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var leaderless = LeaderlessStreams.EndWithoutLeader(member, context, options, ended);
        try
        {
            await new LeaseRenewals(requestStream, responseStream, request => RenewAsync(member, context, request)).RunAsync(ended.Token);
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

    public override async Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context)
    {
        var member = Open();
        await callers.RequireUserAsync(member, context);
        var response = await member.Node.LeaseTimeToLiveAsync(request);
        Refusals.ThrowIfRefused(CheckReadable(member.Node.Store.Auth, await callers.IdentityAsync(member, context), response.Keys));
        response.Header = member.Complete(null);
        await answers.TakeAsync(context.GetHttpContext(), response.CalculateSize(), isWrite: false);
        return response;
    }

    public override async Task<LeaseLeasesResponse> LeaseLeases(LeaseLeasesRequest request, ServerCallContext context)
    {
        var member = Open();
        await member.Node.ReadBarrierAsync();
        var response = Leases(member, await callers.IdentityAsync(member, context));
        await answers.TakeAsync(context.GetHttpContext(), response.CalculateSize(), isWrite: false);
        return response;
    }

    private static LeaseLeasesResponse Leases(RunningMember member, AuthIdentity? identity)
    {
        using var view = member.Node.Store.OpenView();
        Refusals.ThrowIfRefused(view.Auth.CheckUser(identity));
        var leases = view.Leases();
        if (view.Auth.IsEnabled)
        {
            // As in etcd: the ids give access to the leases.
            var keys = leases.SelectMany(lease => view.LeaseKeys(lease.Id)).Select(key => ByteString.CopyFrom(key));
            Refusals.ThrowIfRefused(CheckReadable(view.Auth, identity, keys));
        }

        return new()
        {
            Header = member.Complete(new ResponseHeader { Revision = view.Revision }),
            Leases = { leases.Select(lease => new LeaseStatus { ID = lease.Id }) },
        };
    }

    private static StoreError? CheckReadable(AuthState auth, AuthIdentity? identity, IEnumerable<ByteString> keys) =>
        auth.CheckRoot(identity) is null
            ? null
            : keys.Select(key => auth.CheckRead(identity, key, ByteString.Empty)).FirstOrDefault(static refusal => refusal is not null);

    private async Task<LeaseKeepAliveResponse> RenewAsync(RunningMember member, ServerCallContext context, LeaseKeepAliveRequest request)
    {
        await RequireHolderAsync(member, context, request.ID);
        var response = await Refusals.AsStatusAsync(() => member.Node.KeepLeaseAliveAsync(request));
        response.Header = member.Complete(null);
        return response;
    }

    private async ValueTask RequireHolderAsync(RunningMember member, ServerCallContext context, long lease)
    {
        if (member.Node.Store.Auth.IsEnabled)
        {
            var identity = await callers.IdentityAsync(member, context);
            using var view = member.Node.Store.OpenView();
            Refusals.ThrowIfRefused(view.CheckLease(lease, identity));
        }
    }

    private RunningMember Open()
    {
        var member = host.Require();
        member.RefuseIfLearner();
        return member;
    }

    private async Task<TResponse> ProposeAsync<TResponse>(RunningMember member, ServerCallContext context, Command command)
        where TResponse : class, IMessage
    {
        command.Identity = await callers.IdentityAsync(member, context);
        command.TimeUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var result = await member.Node.ProposeAsync(command);
        Refusals.ThrowIfRefused(result.Error);
        return (TResponse)result.Response!;
    }
}
