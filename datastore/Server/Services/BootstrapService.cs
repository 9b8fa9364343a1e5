using Grpc.Core;
using Raft.Protocol.V1;
using Raft.Server.Membership;

namespace Raft.Server.Services;

/// <summary>raft.v1.Bootstrap: tells a waiting member who it is.</summary>
internal sealed class BootstrapService(MemberHost host, Options.ServerOptions options) : Bootstrap.BootstrapBase
{
    public override Task<IdentityResponse> Identity(IdentityRequest request, ServerCallContext context)
    {
        var identity = host.Running?.Identity;
        return Task.FromResult(new IdentityResponse
        {
            State = identity is null ? IdentityResponse.Types.State.Awaiting : IdentityResponse.Types.State.Initialized,
            ClusterId = identity?.ClusterId ?? 0,
            MemberId = identity?.MemberId ?? 0,
            Name = options.Name,
            Version = ProductVersion.Own,
        });
    }

    public override async Task<InitializeResponse> Initialize(InitializeRequest request, ServerCallContext context)
    {
        if (request.ClusterId == 0 || request.MemberId == 0)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "cluster_id and member_id must not be 0"));
        }

        if (!request.FormNewCluster && request.Members.All(member => member.ID != request.MemberId))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "members must name this member: add it to the cluster first"));
        }

        if (!await host.InitializeAsync(request))
        {
            var identity = host.Running?.Identity;
            throw new RpcException(new Status(
                StatusCode.FailedPrecondition,
                $"this is member {identity?.MemberId:x} of cluster {identity?.ClusterId:x} already; nothing was changed"));
        }

        return new InitializeResponse();
    }
}
