using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Server.Services;

/// <summary>About how many bytes an answer has; of those that are nearly always small, without going through them.</summary>
internal static class AnswerSize
{
    public static long Of(IMessage response) => response switch
    {
        PutResponse put => put.PrevKv?.Value.Length ?? 0,
        RangeResponse { Kvs.Count: <= 1 } range => range.Kvs.Count == 0 ? 0 : range.Kvs[0].Value.Length,
        DeleteRangeResponse { PrevKvs.Count: 0 } or CompactionResponse => 0,
        TxnResponse { Responses.Count: 0 } => 0,
        _ => response.CalculateSize(),
    };
}
