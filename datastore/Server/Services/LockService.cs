using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.Etcd.Locks;
using Raft.Server.Coordination;

namespace Raft.Server.Services;

/// <summary>v3lockpb.Lock: locks that leases hold, each by its place in a <see cref="KeyQueue"/>.</summary>
internal sealed class LockService(CoordinationCalls calls) : Protocol.Etcd.Locks.Lock.LockBase
{
    private const string Expired = "mutex: session is expired";

    public override Task<LockResponse> Lock(LockRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
    {
        var queue = new KeyQueue(call, request.Name);
        var place = await queue.EnterAsync(await call.LeaseAsync(request.Lease), ByteString.Empty);
        var header = place.IsFirst ? place.Header : await queue.WaitUntilFirstAsync(place);
        return new LockResponse { Header = header ?? throw CoordinationCall.Refusal(Expired), Key = place.Key };
    });

    public override Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
        new UnlockResponse { Header = (await call.DeleteAsync(new DeleteRangeRequest { Key = request.Key })).Header });
}
