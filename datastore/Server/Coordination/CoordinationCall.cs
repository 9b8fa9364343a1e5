using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;
using Raft.Server.Services;

namespace Raft.Server.Coordination;

/// <summary>
/// What a lock or an election asks of the store for its client, with the client's rights and metadata, through the services that
/// the client could ask itself. As in etcd, where these services are clients of their own server, the store's refusals come
/// out as UNKNOWN with their text; only UNAVAILABLE stays what it is, because a client may try that again.
/// </summary>
/// <param name="member">This member.</param>
/// <param name="kv">Takes transactions and ranges.</param>
/// <param name="leases">Grants a lease to those who bring none.</param>
/// <param name="context">The client's call.</param>
/// <param name="ended">The client gave up, or this member stops.</param>
internal sealed class CoordinationCall(RunningMember member, KvService kv, Lease.LeaseBase leases, ServerCallContext context, CancellationToken ended)
{
    /// <summary>etcd's: seconds that a lease lives which was granted because the client brought none; nobody renews it.</summary>
    private const long OwnLeaseSeconds = 60;

    /// <summary>The client gave up, or this member stops.</summary>
    public CancellationToken Ended => ended;

    /// <summary>The client gave up; if not, and the call has ended, it may ask another member to go on.</summary>
    public bool IsGivenUp => context.CancellationToken.IsCancellationRequested;

    /// <summary>Refusals that etcd's services make by themselves carry no code of their own.</summary>
    public static RpcException Refusal(string text) => new(new Status(StatusCode.Unknown, text));

    /// <summary>A condition: the key lives, and still the life that it began at a revision. 0: it does not live.</summary>
    public static Compare IsCreatedAt(ByteString key, long revision) =>
        new() { Key = key, Target = Compare.Types.CompareTarget.Create, CreateRevision = revision };

    /// <exception cref="RpcException">The refusal.</exception>
    public Task<TxnResponse> TxnAsync(TxnRequest request) => AskAsync(() => kv.Txn(request, context));

    /// <summary>A linearizable range.</summary>
    /// <exception cref="RpcException">The refusal.</exception>
    public Task<RangeResponse> RangeAsync(RangeRequest request) => AskAsync(() => kv.Range(request, context));

    /// <exception cref="RpcException">The refusal.</exception>
    public Task<DeleteRangeResponse> DeleteAsync(DeleteRangeRequest request) => AskAsync(() => kv.DeleteRange(request, context));

    /// <summary>The lease that the client named; if it named none, one that is granted for it.</summary>
    /// <exception cref="RpcException">The refusal.</exception>
    public async Task<long> LeaseAsync(long named) => named != 0
        ? named
        : (await AskAsync(() => leases.LeaseGrant(new LeaseGrantRequest { TTL = OwnLeaseSeconds }, context))).ID;

    /// <summary>A watch of this member's store. It asks nobody's leave: what it is to show was read before, by <see cref="RangeAsync"/>.</summary>
    public KeyWatch Watch() => new(member.Node.Watches);

    /// <summary>A header as of a revision that this member has applied.</summary>
    public ResponseHeader HeaderAt(long revision) => member.Complete(new ResponseHeader { Revision = revision });

    private static async Task<T> AskAsync<T>(Func<Task<T>> request)
    {
        try
        {
            return await request();
        }
        catch (RpcException refusal) when (refusal.StatusCode != StatusCode.Unavailable)
        {
            throw Refusal(refusal.Status.Detail);
        }
    }
}
