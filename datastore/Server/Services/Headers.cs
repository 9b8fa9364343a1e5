using Google.Protobuf;
using Grpc.Core;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;

namespace Raft.Server.Services;

/// <summary>The header that every answer carries.</summary>
internal static class Headers
{
    /// <summary>Fills in who answers; the revision stays as the state machine set it.</summary>
    public static ResponseHeader Complete(this RunningMember member, ResponseHeader? header)
    {
        header ??= new ResponseHeader { Revision = member.Node.Store.Revision };
        header.ClusterId = member.Identity.ClusterId;
        header.MemberId = member.Identity.MemberId;
        header.RaftTerm = member.Node.Status.Consensus.Term.Value;
        return header;
    }

    /// <summary>The same for the answer to a write.</summary>
    public static TResponse Complete<TResponse>(this RunningMember member, TResponse response)
        where TResponse : class, IMessage
    {
        switch (response)
        {
            case PutResponse put:
                put.Header = member.Complete(put.Header);
                break;
            case DeleteRangeResponse delete:
                delete.Header = member.Complete(delete.Header);
                break;
            case TxnResponse txn:
                txn.Header = member.Complete(txn.Header);
                break;
            case CompactionResponse compact:
                compact.Header = member.Complete(compact.Header);
                break;
            default:
                throw new ArgumentException($"{typeof(TResponse)} answers no write.", nameof(response));
        }

        return response;
    }

    /// <summary>Learners answer only what may be stale.</summary>
    public static void RefuseIfLearner(this RunningMember member)
    {
        if (member.Node.Status.IsLearner)
        {
            throw Refusals.ToStatus(NodeError.NotForLearner);
        }
    }

    /// <summary>
    /// What the client sent under a name of metadata; null: nothing. Asked of HTTP itself, since gRPC would make a list of all
    /// of a request's headers first, which costs more than serving a read.
    /// </summary>
    public static string? Metadata(this ServerCallContext context, string name) =>
        context.GetHttpContext().Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>
    /// Whether the client sent `hasleader: true`: it would rather be refused than wait for a leader. As in etcd the first value counts,
    /// since clients may send it twice.
    /// </summary>
    public static bool WantsLeader(this ServerCallContext context) =>
        context.GetHttpContext().Request.Headers.TryGetValue("hasleader", out var values) && values is ["true", ..];

    /// <summary>Refuses a client that wants a leader while there is none.</summary>
    public static void HonourHasLeader(this RunningMember member, ServerCallContext context)
    {
        if (context.WantsLeader() && member.Node.Status.Consensus.Leader == Raft.Consensus.MemberId.None)
        {
            throw Refusals.ToStatus(NodeError.NoLeader);
        }
    }
}
