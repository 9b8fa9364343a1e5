using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.Benchmarks.Reports;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>
/// Many watchers of one key, each on a stream of its own, and one writer, who writes again when all of them have seen what it wrote
/// before. What is counted is events delivered, from the sending of the put.
/// </summary>
internal sealed class WatchFanOut(Load load, Connections connections, Observation observation)
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("watched");

    private long _sent;
    private int _waitFor;
    private TaskCompletionSource _allHaveSeen = new();

    public async Task<Measurement> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var streams = await Task.WhenAll(Enumerable.Range(0, load.Watchers).Select(number => OpenAsync(number, ended.Token)));
        var watchers = streams.Select(stream => WatchAsync(stream, ended.Token)).ToArray();
        var writer = Task.Run(() => WriteAsync(stop), stop);
        var taken = await observation.RunAsync(warmUp, measured, stop);
        await writer;
        await ended.CancelAsync();
        var latencies = new LatencyHistogram();
        foreach (var histogram in await Task.WhenAll(watchers))
        {
            latencies.Add(histogram);
        }

        return new(latencies, taken, Failures: 0);
    }

    private async Task<AsyncDuplexStreamingCall<byte[], Answer>> OpenAsync(int number, CancellationToken ended)
    {
        var stream = connections.Of(number).AsyncDuplexStreamingCall(RawCalls.Watch, null, new(cancellationToken: ended));
        await stream.RequestStream.WriteAsync(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } }.ToByteArray(), ended);
        return await stream.ResponseStream.MoveNext(ended)
            ? stream
            : throw new InvalidOperationException("A watch was ended by the server.");
    }

    private async Task<LatencyHistogram> WatchAsync(AsyncDuplexStreamingCall<byte[], Answer> stream, CancellationToken ended)
    {
        var latencies = new LatencyHistogram();
        using var call = stream;
        try
        {
            while (await stream.ResponseStream.MoveNext(ended))
            {
                if (observation.IsMeasuring)
                {
                    latencies.Record(Stopwatch.GetTimestamp() - Volatile.Read(ref _sent));
                }

                if (Interlocked.Decrement(ref _waitFor) == 0)
                {
                    _allHaveSeen.SetResult();
                }
            }
        }
        catch (RpcException) when (ended.IsCancellationRequested)
        {
            // All is measured.
        }

        return latencies;
    }

    private async Task WriteAsync(CancellationToken stop)
    {
        var put = new PutRequest { Key = Key, Value = ByteString.CopyFrom(KeySpace.NewValue(0)) }.ToByteArray();
        while (!observation.IsOver)
        {
            _allHaveSeen = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _waitFor, load.Watchers);
            Volatile.Write(ref _sent, Stopwatch.GetTimestamp());
            using var call = connections.Of(0).AsyncUnaryCall(RawCalls.Put, null, new(cancellationToken: stop), put);
            await call.ResponseAsync;
            await _allHaveSeen.Task.WaitAsync(stop);
        }
    }
}
