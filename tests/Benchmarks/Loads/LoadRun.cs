using System.Diagnostics;
using Grpc.Core;
using Raft.Benchmarks.Reports;

namespace Raft.Benchmarks.Loads;

/// <summary>One load on one cluster: its clients call as fast as they are answered, first to warm up, then measured.</summary>
internal sealed class LoadRun(Load load, int keys, Connections connections, Observation observation)
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(10);

    private int _failures;
    private int _wrongAnswers;

    public async Task<Measurement> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        var clients = Enumerable.Range(0, load.Clients).Select(number => Task.Run(() => CallAsync(number, stop), stop)).ToArray();

        var taken = await observation.RunAsync(warmUp, measured, stop);
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

    private async Task<LatencyHistogram> CallAsync(int number, CancellationToken stop)
    {
        var latencies = new LatencyHistogram();
        var requests = load.NewRequests(number);
        var invoker = connections.Of(number);
        var options = new CallOptions(cancellationToken: stop);
#pragma warning disable CA5394 // Which key is next need not be a secret.
        var random = new Random(number);
        while (!observation.IsOver)
        {
            var one = random.Next(requests.Length);
            var key = random.Next(keys - load.KeysBehind);
#pragma warning restore CA5394
            foreach (var request in load.IsCycle ? requests : requests[one..(one + 1)])
            {
                request.Choose(key);
                await CallOnceAsync(invoker, request, options, latencies);
            }
        }

        return latencies;
    }

    private async Task CallOnceAsync(CallInvoker invoker, RequestTemplate request, CallOptions options, LatencyHistogram latencies)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var call = invoker.AsyncUnaryCall(request.Method, null, options, request.Bytes);
            var answer = await call.ResponseAsync;
            if (observation.IsMeasuring)
            {
                latencies.Record(Stopwatch.GetTimestamp() - started);
            }

            if (answer.Bytes < request.AnswerBytesMin)
            {
                Interlocked.Increment(ref _wrongAnswers);
            }
        }
        catch (RpcException) when (!options.CancellationToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref _failures);
            await Task.Delay(PauseAfterFailure, options.CancellationToken);
        }
    }
}
