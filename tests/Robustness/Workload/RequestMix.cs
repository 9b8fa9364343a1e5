using Raft.Linearizability;

namespace Raft.Robustness.Tests.Workload;

/// <summary>
/// What one client asks: reads and writes of few keys that all clients share, in short generations, so that much happens to each key
/// and no key's story becomes too long to judge. Every value is written once.
/// </summary>
internal sealed class RequestMix(int client, Random random)
{
    private const int Keys = 12;
    private readonly Dictionary<string, Observation> _seen = [];
    private int _writes;

    public Request Next(string generation)
    {
        var place = random.Next(Keys);
        var key = Key(generation, place);
        var value = $"{client}.{++_writes}";
        return random.Next(100) switch
        {
            < 38 => Request.Get(key),
            < 45 => Request.Get(key) with { IsSerializable = true },
            < 68 => Request.Put(key, value),
            < 74 => Request.Delete(key),
            < 82 => Request.CompareAndSwap(key, _seen.GetValueOrDefault(key).ModRevision ?? 0, value),
            < 90 => Request.CompareAndSwap(key, _seen.GetValueOrDefault(key).Value, value),
            < 95 => new Request([], [new Step.Put(Key(generation, place & ~1), value), new Step.Put(Key(generation, place | 1), value)], []),
            _ => new Request(
                [new Comparison.Version(key, 0)],
                [new Step.Put(key, value), new Step.Get(Key(generation, place ^ 1))],
                [new Step.Get(key), new Step.Delete(Key(generation, place ^ 1))]),
        };
    }

    /// <summary>What was read is what later requests compare with.</summary>
    public void Learn(Request request, Response response)
    {
        foreach (var (step, result) in request.Branch(response.Succeeded).Zip(response.Results))
        {
            if (step is Step.Get && result.Seen is { } seen)
                _seen[step.Key] = seen;
        }
        if (_seen.Count > 1000)
            _seen.Clear();
    }

    private static string Key(string generation, int place) => $"{generation}/{place}";
}
