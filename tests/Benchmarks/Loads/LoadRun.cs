using System.Diagnostics;
using Grpc.Core;
using Raft.Benchmarks.Reports;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Loads;

/// <summary>One load on one cluster: its clients call as fast as they are answered, first to warm up, then measured.</summary>
internal sealed class LoadRun(Load load, Connections connections, LocalCluster cluster, DataDisk disk)
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(10);

    private volatile Phase _phase;
    private int _failures;
    private int _wrongAnswers;

    private enum Phase
    {
        WarmUp,
        Measured,
        Over,
    }

    public async Task<Measurement> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        var clients = Enumerable.Range(0, load.Clients).Select(number => Task.Run(() => CallAsync(number, stop), stop)).ToArray();

        // On a thread of its own: the pool is busy with the clients.
        var taken = await Task.Factory.StartNew(
            () => Measure(warmUp, measured, stop), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var latencies = new LatencyHistogram();
        foreach (var histogram in await Task.WhenAll(clients))
        {
            latencies.Add(histogram);
        }

        if (_wrongAnswers > 0)
        {
            throw new InvalidOperationException($"{_wrongAnswers} answers to {load.Name} were too short to be right.");
        }

        return new(latencies, taken, _failures);
    }

    private Taken Measure(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        stop.WaitHandle.WaitOne(warmUp);
        var before = Usages();
        var generatorBefore = Environment.CpuUsage.TotalTime;
        var writtenBefore = disk.WrittenBytes;
        var started = Stopwatch.GetTimestamp();
        _phase = Phase.Measured;
        stop.WaitHandle.WaitOne(measured);
        _phase = Phase.Over;
        var time = Stopwatch.GetElapsedTime(started);
        return new(time, before, Usages(), Environment.CpuUsage.TotalTime - generatorBefore, disk.WrittenBytes - writtenBefore);
    }

    private async Task<LatencyHistogram> CallAsync(int number, CancellationToken stop)
    {
        var latencies = new LatencyHistogram();
        var requests = load.NewRequests(number);
        var invoker = connections.Of(number);
        var options = new CallOptions(cancellationToken: stop);
#pragma warning disable CA5394 // Which key is next need not be a secret.
        var random = new Random(number);
        while (_phase != Phase.Over)
        {
            var request = requests[random.Next(requests.Length)];
            request.Choose(random.Next(KeySpace.Keys - load.KeysBehind));
#pragma warning restore CA5394
            var started = Stopwatch.GetTimestamp();
            try
            {
                using var call = invoker.AsyncUnaryCall(request.Method, null, options, request.Bytes);
                var answer = await call.ResponseAsync;
                if (_phase == Phase.Measured)
                {
                    latencies.Record(Stopwatch.GetTimestamp() - started);
                }

                if (answer.Bytes < request.AnswerBytesMin)
                {
                    Interlocked.Increment(ref _wrongAnswers);
                }
            }
            catch (RpcException) when (!stop.IsCancellationRequested)
            {
                Interlocked.Increment(ref _failures);
                await Task.Delay(PauseAfterFailure, stop);
            }
        }

        return latencies;
    }

    private Usage[] Usages() => [.. cluster.Members.Select(member => member.MeasureUsage())];
}
