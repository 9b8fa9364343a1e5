using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Hosting;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>
/// etcdserverpb.KV. A write becomes a command and is answered when it is applied; a read looks at this member's state. A write in
/// a session takes effect once (see <see cref="SessionMetadata"/>); to a read a session means nothing, since it can be repeated.
/// It sees to the errors of its calls itself: an interceptor costs each of these many calls several objects.
/// </summary>
internal sealed class KvService(
    MemberHost host, ServerOptions options, Callers callers, AnswerBudget answers, CallErrors errors, TimeProvider time)
    : KV.KVBase
{
    /// <summary>Of a streamed range; as much as a request may have.</summary>
    private const int PageBytes = RequestValidator.DefaultMaxRequestBytes;

    public override Task<RangeResponse> Range(RangeRequest request, ServerCallContext context) =>
        errors.AsStatusAsync(RangeAsync(request, context), context);

    public override async Task RangeStream(RangeRequest request, IServerStreamWriter<RangeStreamResponse> responseStream, ServerCallContext context)
    {
        try
        {
            await StreamAsync(request, responseStream, context);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw errors.AsStatus(error, context);
        }
    }

    public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
        WriteAsync<PutResponse>(context, request, RequestValidator.Validate(request), new Command { Put = request });

    public override Task<DeleteRangeResponse> DeleteRange(DeleteRangeRequest request, ServerCallContext context) =>
        WriteAsync<DeleteRangeResponse>(context, request, RequestValidator.Validate(request), new Command { DeleteRange = request });

    public override Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
    {
        var invalid = RequestValidator.Validate(request, options.MaxTxnOps);
        return invalid is null && RequestShape.IsReadOnly(request)
            ? errors.AsStatusAsync(ReadAsync(request, context), context)
            : WriteAsync<TxnResponse>(context, request, invalid, new Command { Txn = request });
    }

    public override Task<CompactionResponse> Compact(CompactionRequest request, ServerCallContext context)
    {
        var compacted = WriteAsync<CompactionResponse>(context, request, invalid: null, new Command { Compact = request });
        return request.Physical ? errors.AsStatusAsync(FinishedAsync(compacted, context), context) : compacted;
    }

    private async Task<RangeResponse> RangeAsync(RangeRequest request, ServerCallContext context)
    {
        SessionMetadata.Check(context);
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        await AwaitReadableAsync(member, request.Serializable);
        var identity = await callers.IdentityAsync(member, context);
        if (!request.RangeEnd.IsEmpty && !request.CountOnly)
        {
            return await answers.ReadAsync(
                context.GetHttpContext(), (member, request, identity), static (of, read) => Read(of.member, of.request, of.identity, read));
        }

        var response = Read(member, request, identity);
        await answers.TakeAsync(context.GetHttpContext(), AnswerSize.Of(response), isWrite: false);
        return response;
    }

    private async Task StreamAsync(RangeRequest request, IServerStreamWriter<RangeStreamResponse> responseStream, ServerCallContext context)
    {
        SessionMetadata.Check(context);
        var member = Open(context);
        Refusals.ThrowIfRefused(RequestValidator.Validate(request));
        await AwaitReadableAsync(member, request.Serializable);
        var identity = await callers.IdentityAsync(member, context);
        var pages = new RangePages(request, PageBytes);
        while (!pages.IsComplete)
        {
            if (pages.IsOnePage)
            {
                var all = await answers.ReadAsync(
                    context.GetHttpContext(), (member, pages, identity), static (of, read) => NextPage(of.member, of.pages, of.identity, read));
                await responseStream.WriteAsync(new() { RangeResponse = all }, context.CancellationToken);
                return;
            }

            using var room = await answers.TakePartAsync(context.GetHttpContext(), PageBytes);
            var page = NextPage(member, pages, identity);
            await responseStream.WriteAsync(new() { RangeResponse = page }, context.CancellationToken);
        }
    }

    private async Task<TxnResponse> ReadAsync(TxnRequest request, ServerCallContext context)
    {
        SessionMetadata.Check(context);
        var member = Open(context);
        await AwaitReadableAsync(member, RequestShape.IsSerializable(request));
        var identity = await callers.IdentityAsync(member, context);
        return await answers.ReadAsync(
            context.GetHttpContext(), (member, request, identity), static (of, read) => Read(of.member, of.request, of.identity, read));
    }

    private async Task<CompactionResponse> FinishedAsync(Task<CompactionResponse> compacted, ServerCallContext context)
    {
        var response = await compacted;
        await host.Require().Node.CompactionFinishedAsync().WaitAsync(context.CancellationToken);
        return response;
    }

    /// <summary>
    /// All that a write needs in one method, its errors included: each further one that has to wait costs objects, for every write.
    /// The checks come in etcd's order: a stranger learns nothing of the limits.
    /// </summary>
    private async Task<TResponse> WriteAsync<TResponse>(ServerCallContext context, IMessage request, StoreError? invalid, Command command)
        where TResponse : class, IMessage
    {
        try
        {
            command.Session = SessionMetadata.Stamp(context);
            var member = Open(context);
            Refusals.ThrowIfRefused(invalid);
            member.RefuseIfLearner();
            command.Identity = await callers.IdentityAsync(member, context);
            Refusals.ThrowIfRefused(RequestValidator.ValidateSize(request, options.MaxRequestBytes));
            command.TimeUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            var result = await member.Node.ProposeAsync(command);
            Refusals.ThrowIfRefused(result.Error);
            var response = (TResponse)result.Response!;
            await answers.TakeAsync(context.GetHttpContext(), AnswerSize.Of(response), isWrite: true);
            return member.Complete(response);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw errors.AsStatus(error, context);
        }
    }

    private static RangeResponse Read(RunningMember member, RangeRequest request, AuthIdentity? identity, Action<int>? read = null)
    {
        using var view = member.Node.Store.OpenView();
        return Answer(member, view.Range(request, identity, read));
    }

    private static TxnResponse Read(RunningMember member, TxnRequest request, AuthIdentity? identity, Action<int> read)
    {
        using var view = member.Node.Store.OpenView();
        return member.Complete(Answer(member, view.Txn(request, identity, read)));
    }

    private static RangeResponse NextPage(RunningMember member, RangePages pages, AuthIdentity? identity, Action<int>? read = null)
    {
        using var view = member.Node.Store.OpenView();
        var page = pages.Next(view, identity, read);
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
