using Google.Protobuf;
using Raft.Benchmarks.Servers;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>Writes all keys once, so that every read finds something.</summary>
internal static class Filling
{
    private const int KeysPerRequest = 100;
    private const int RequestsAtOnce = 16;

    public static async Task FillAsync(LocalCluster cluster, CancellationToken stop)
    {
        using var connections = await Connections.OpenAsync(cluster, Target.Leader, stop);
        var requests = Enumerable.Range(0, KeySpace.Keys / KeysPerRequest);
        await Parallel.ForEachAsync(
            requests, new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = stop },
            async (request, token) =>
            {
                var transaction = new TxnRequest();
                for (var key = request * KeysPerRequest; key < (request + 1) * KeysPerRequest; key++)
                {
                    var put = new PutRequest { Key = ByteString.CopyFromUtf8(KeySpace.Name(key)), Value = ByteString.CopyFrom(KeySpace.NewValue(key)) };
                    transaction.Success.Add(new RequestOp { RequestPut = put });
                }

                using var call = connections.Of(request).AsyncUnaryCall(RawCalls.Txn, null, new(cancellationToken: token), transaction.ToByteArray());
                await call.ResponseAsync;
            });
    }
}
