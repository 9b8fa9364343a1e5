using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>
/// etcdserverpb.KV. A write becomes a command and is answered when it is applied; a read looks at this member's state. A write in
/// a session takes effect once (see <see cref="SessionMetadata"/>); to a read a session means nothing, since it can be repeated.
/// </summary>
internal sealed class KvService(MemberHost host, ServerOptions options, Callers callers, TimeProvider time) : KV.KVBase
{
    /// <summary>Of a streamed range; as much as a request may have.</summary>
    private const int PageBytes = RequestValidator.DefaultMaxRequestBytes;

    public override async Task<RangeResponse> Range(RangeRequest request, ServerCallContext context)
    {
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        await AwaitReadableAsync(member, request.Serializable);
        var identity = await callers.IdentityAsync(member, context);
        using var view = member.Node.Store.OpenView();
        return Answer(member, view.Range(request, identity));
    }

    public override async Task RangeStream(RangeRequest request, IServerStreamWriter<RangeStreamResponse> responseStream, ServerCallContext context)
    {
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        await AwaitReadableAsync(member, request.Serializable);
        var identity = await callers.IdentityAsync(member, context);
        var pages = new RangePages(request, PageBytes);
        while (!pages.IsComplete)
        {
            var page = NextPage(member, pages, identity);
            await responseStream.WriteAsync(new() { RangeResponse = page }, context.CancellationToken);
        }
    }

    public override async Task<PutResponse> Put(PutRequest request, ServerCallContext context)
    {
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        var response = await ProposeAsync<PutResponse>(member, context, request, new Command { Put = request, Session = SessionMetadata.Stamp(context) });
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<DeleteRangeResponse> DeleteRange(DeleteRangeRequest request, ServerCallContext context)
    {
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        var response = await ProposeAsync<DeleteRangeResponse>(member, context, request, new Command { DeleteRange = request, Session = SessionMetadata.Stamp(context) });
        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
    {
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request, options.MaxTxnOps));
        TxnResponse response;
        if (RequestShape.IsReadOnly(request))
        {
            await AwaitReadableAsync(member, RequestShape.IsSerializable(request));
            var identity = await callers.IdentityAsync(member, context);
            using var view = member.Node.Store.OpenView();
            response = Answer(member, view.Txn(request, identity));
        }
        else
        {
            response = await ProposeAsync<TxnResponse>(member, context, request, new Command { Txn = request, Session = SessionMetadata.Stamp(context) });
        }

        response.Header = member.Complete(response.Header);
        return response;
    }

    public override async Task<CompactionResponse> Compact(CompactionRequest request, ServerCallContext context)
    {
        var member = Open(context);
        var response = await ProposeAsync<CompactionResponse>(member, context, request, new Command { Compact = request, Session = SessionMetadata.Stamp(context) });
        if (request.Physical)
        {
            await member.Node.CompactionFinishedAsync().WaitAsync(context.CancellationToken);
        }

        response.Header = member.Complete(response.Header);
        return response;
    }

    private static RangeResponse NextPage(RunningMember member, RangePages pages, AuthIdentity? identity)
    {
        using var view = member.Node.Store.OpenView();
        var page = pages.Next(view, identity);
        Refusals.ThrowIfRefused(page.Error);
        if (page.Response!.Header is { } header)
        {
            page.Response.Header = member.Complete(header);
        }

        return page.Response;
    }

    private RunningMember Open(ServerCallContext context)
    {
        var member = host.Require();
        member.HonourHasLeader(context);
        return member;
    }

    private static async Task AwaitReadableAsync(RunningMember member, bool isSerializable)
    {
        if (!isSerializable)
        {
            member.RefuseIfLearner();
            await member.Node.ReadBarrierAsync();
        }
    }

    /// <summary>In etcd's order: a stranger learns nothing of the limits.</summary>
    private async Task<TResponse> ProposeAsync<TResponse>(RunningMember member, ServerCallContext context, IMessage request, Command command)
        where TResponse : class, IMessage
    {
        member.RefuseIfLearner();
        command.Identity = await callers.IdentityAsync(member, context);
        Refusals.ThrowIfRefused(RequestValidator.ValidateSize(request, options.MaxRequestBytes));
        command.TimeUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var result = await member.Node.ProposeAsync(command);
        Refusals.ThrowIfRefused(result.Error);
        return (TResponse)result.Response!;
    }

    private static TResponse Answer<TResponse>(RunningMember member, StoreResult<TResponse> result)
        where TResponse : class, IMessage
    {
        Refusals.ThrowIfRefused(result.Error);
        if (result.Response is RangeResponse range)
        {
            range.Header = member.Complete(range.Header);
        }

        return result.Response!;
    }
}
