using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Membership;

namespace Raft.Server.Services;

/// <summary>raft.v1.Sessions: what a client needs before its requests can take effect once.</summary>
internal sealed class SessionsService(MemberHost host, Callers callers, TimeProvider time) : Sessions.SessionsBase
{
    public override async Task<OpenSessionResponse> Open(OpenSessionRequest request, ServerCallContext context)
    {
        var (member, response) = await ProposeAsync<OpenSessionResponse>(new Command { OpenSession = request }, context);
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<KeepAliveSessionResponse> KeepAlive(KeepAliveSessionRequest request, ServerCallContext context)
    {
        var (member, response) = await ProposeAsync<KeepAliveSessionResponse>(new Command { KeepAliveSession = request }, context);
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<CloseSessionResponse> Close(CloseSessionRequest request, ServerCallContext context)
    {
        var (member, response) = await ProposeAsync<CloseSessionResponse>(new Command { CloseSession = request }, context);
        response.Header = member.Complete(response.Header);
        return response;
    }

    private async Task<(RunningMember Member, TResponse Response)> ProposeAsync<TResponse>(Command command, ServerCallContext context)
        where TResponse : class, IMessage
    {
        var member = host.Require();
        member.RefuseIfLearner();
        command.Identity = await callers.IdentityAsync(member, context);
        command.TimeUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var result = await member.Node.ProposeAsync(command);
        Refusals.ThrowIfRefused(result.Error);
        return (member, (TResponse)result.Response!);
    }
}
