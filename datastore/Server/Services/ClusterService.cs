using Grpc.Core;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Membership;

namespace Raft.Server.Services;

/// <summary>etcdserverpb.Cluster: who is a member. Every user may see it; to change it takes the role root.</summary>
internal sealed class ClusterService(MemberHost host, Callers callers) : Cluster.ClusterBase
{
    private static readonly Status InvalidUrls = new(StatusCode.InvalidArgument, "etcdserver: given member URLs are invalid");

    public override async Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context)
    {
        var member = host.Require();
        if (request.Linearizable)
        {
            member.RefuseIfLearner();
            await member.Node.ReadBarrierAsync();
        }

        await callers.RequireUserAsync(member, context);
        return new MemberListResponse { Header = HeaderOf(member), Members = { member.Node.Members } };
    }

    public override async Task<MemberAddResponse> MemberAdd(MemberAddRequest request, ServerCallContext context)
    {
        CheckUrls(request.PeerURLs);
        var member = await VoterForRootAsync(context);
        var response = await member.Node.AddMemberAsync(request);
        response.Header = HeaderOf(member);
        return response;
    }

    public override async Task<MemberRemoveResponse> MemberRemove(MemberRemoveRequest request, ServerCallContext context)
    {
        var member = await VoterForRootAsync(context);
        var response = await member.Node.RemoveMemberAsync(request);
        response.Header = HeaderOf(member);
        return response;
    }

    public override async Task<MemberPromoteResponse> MemberPromote(MemberPromoteRequest request, ServerCallContext context)
    {
        var member = await VoterForRootAsync(context);
        var response = await member.Node.PromoteMemberAsync(request);
        response.Header = HeaderOf(member);
        return response;
    }

    public override async Task<MemberUpdateResponse> MemberUpdate(MemberUpdateRequest request, ServerCallContext context)
    {
        var member = await VoterForRootAsync(context);
        await member.Node.ReadBarrierAsync();
        var members = member.Node.Members;
        if (members.All(known => known.ID != request.ID))
        {
            throw Refusals.ToStatus(NodeError.MemberNotFound);
        }

        CheckUrls(request.PeerURLs);
        if (members.Any(known => known.ID != request.ID && known.PeerURLs.Intersect(request.PeerURLs).Any()))
        {
            throw Refusals.ToStatus(NodeError.PeerUrlExists);
        }

        var result = await member.Node.ProposeAsync(new Command { MemberUpdate = request });
        var response = (MemberUpdateResponse)result.Response!;
        response.Header = HeaderOf(member);
        return response;
    }

    /// <summary>Without a revision, which this service of etcd's does not know.</summary>
    private static ResponseHeader HeaderOf(RunningMember member) => member.Complete(new ResponseHeader());

    private async ValueTask<RunningMember> VoterForRootAsync(ServerCallContext context)
    {
        var member = host.Require();
        member.RefuseIfLearner();
        await callers.RequireRootAsync(member, context);
        return member;
    }

    private static void CheckUrls(Google.Protobuf.Collections.RepeatedField<string> urls)
    {
        var isValid = urls.Count > 0 && urls.All(url =>
            Uri.TryCreate(url, UriKind.Absolute, out var parsed)
            && parsed.Scheme is "http" or "https"
            && parsed.Authority.Contains(':', StringComparison.Ordinal)
            && parsed.AbsolutePath == "/"
            && !url.EndsWith('/'));
        if (!isValid)
        {
            throw new RpcException(InvalidUrls);
        }
    }
}
