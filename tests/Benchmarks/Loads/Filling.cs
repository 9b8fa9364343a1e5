using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.Benchmarks.Servers;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>Writes all keys once, so that every read finds something.</summary>
internal static class Filling
{
    private const int KeysPerRequest = 100;
    private const int RequestsAtOnce = 16;
    private const int AttemptsMax = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <returns>How long it took, and the longest time in which nothing was acknowledged.</returns>
    public static async Task<(TimeSpan Time, TimeSpan Stall)> FillAsync(LocalCluster cluster, int keys, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var (acknowledged, stall) = (started, 0L);
        var counting = new Lock();
        using var connections = await Connections.OpenAsync(cluster, Target.Leader, stop);
        var requests = Enumerable.Range(0, keys / KeysPerRequest);
        await Parallel.ForEachAsync(
            requests, new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = stop },
            async (request, token) =>
            {
                var transaction = new TxnRequest();
                for (var key = request * KeysPerRequest; key < (request + 1) * KeysPerRequest; key++)
                {
                    var (name, value) = (ByteString.CopyFromUtf8(KeySpace.Name(key)), ByteString.CopyFrom(KeySpace.NewValue(key)));
                    transaction.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = name, Value = value } });
                }

                await SendAsync(connections.Of(request), transaction.ToByteArray(), token);
                lock (counting)
                {
                    var now = Stopwatch.GetTimestamp();
                    (acknowledged, stall) = (now, Math.Max(stall, now - acknowledged));
                }
            });
        return (Stopwatch.GetElapsedTime(started), Stopwatch.GetElapsedTime(0, stall));
    }

    /// <summary>On a slow machine a leader may be replaced meanwhile; to write the same again does no harm.</summary>
    private static async Task SendAsync(CallInvoker connection, byte[] request, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var call = connection.AsyncUnaryCall(RawCalls.Txn, null, new(cancellationToken: stop), request);
                await call.ResponseAsync;
                return;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && attempt < AttemptsMax)
            {
                await Task.Delay(Pause, stop);
            }
        }
    }
}
