using Google.Protobuf;
using Raft.Consensus;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>Answers on their way from the leader to a follower's client.</summary>
internal static class Forwarding
{
    internal static ForwardResponse ToResponse(IMessage response, LogIndex index) => response switch
    {
        PutResponse put => new() { Index = index.Value, Put = put },
        DeleteRangeResponse delete => new() { Index = index.Value, DeleteRange = delete },
        TxnResponse txn => new() { Index = index.Value, Txn = txn },
        CompactionResponse compact => new() { Index = index.Value, Compact = compact },
        AlarmResponse alarm => new() { Index = index.Value, Alarm = alarm },
        MemberAddResponse add => new() { Index = index.Value, MemberAdd = add },
        MemberRemoveResponse remove => new() { Index = index.Value, MemberRemove = remove },
        MemberPromoteResponse promote => new() { Index = index.Value, MemberPromote = promote },
        MemberUpdateResponse update => new() { Index = index.Value, MemberUpdate = update },
        MemberListResponse => new() { Index = index.Value },
        _ => throw new InvariantViolationException($"There is no way to forward a {response.Descriptor.Name}."),
    };

    internal static IMessage FromResponse(ForwardResponse response) => response.ResponseCase switch
    {
        ForwardResponse.ResponseOneofCase.Put => response.Put,
        ForwardResponse.ResponseOneofCase.DeleteRange => response.DeleteRange,
        ForwardResponse.ResponseOneofCase.Txn => response.Txn,
        ForwardResponse.ResponseOneofCase.Compact => response.Compact,
        ForwardResponse.ResponseOneofCase.Alarm => response.Alarm,
        ForwardResponse.ResponseOneofCase.MemberAdd => response.MemberAdd,
        ForwardResponse.ResponseOneofCase.MemberRemove => response.MemberRemove,
        ForwardResponse.ResponseOneofCase.MemberPromote => response.MemberPromote,
        ForwardResponse.ResponseOneofCase.MemberUpdate => response.MemberUpdate,
        _ => new MemberListResponse(),
    };
}
