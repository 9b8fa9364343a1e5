using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Reports;

/// <summary>Things that happen to a cluster, and take a time.</summary>
internal enum Moment
{
    /// <summary>Writing all keys, a hundred in a transaction.</summary>
    Fill,

    /// <summary>The longest time without an acknowledgement meanwhile.</summary>
    FillStall,

    /// <summary>From the start of the processes, without data, to the first acknowledged write.</summary>
    StartEmpty,

    /// <summary>The same after kill -9 of all members, with their data.</summary>
    RestartWithData,

    /// <summary>The longest time without an acknowledgement when the leader is killed.</summary>
    LeaderKilled,
}

/// <summary>All that was measured, in every round.</summary>
internal sealed class Results
{
    private readonly Dictionary<(ServerKind, Load), List<Measurement>> _loads = [];
    private readonly Dictionary<(ServerKind, Moment), List<TimeSpan>> _moments = [];

    public bool HasFailures => _loads.Values.Any(static list => list.Any(static one => one.Failures > 0));

    public void Add(ServerKind kind, Load load, Measurement measurement) => Add(_loads, (kind, load), measurement);

    public void Add(ServerKind kind, Moment moment, TimeSpan time) => Add(_moments, (kind, moment), time);

    /// <returns>Null if it was not tried.</returns>
    public double? Median(ServerKind kind, Load load, Func<Measurement, double> value) =>
        _loads.TryGetValue((kind, load), out var list) ? Median(list.Select(value)) : null;

    public int Failures(ServerKind kind, Load load) =>
        _loads.TryGetValue((kind, load), out var list) ? list.Sum(static one => one.Failures) : 0;

    /// <returns>Null if it was not tried.</returns>
    public double? MedianMs(ServerKind kind, Moment moment) =>
        _moments.TryGetValue((kind, moment), out var times) ? Median(times.Select(static time => time.TotalMilliseconds)) : null;

    private static void Add<TKey, TValue>(Dictionary<TKey, List<TValue>> all, TKey key, TValue value)
        where TKey : notnull
    {
        if (!all.TryGetValue(key, out var list))
        {
            all.Add(key, list = []);
        }

        list.Add(value);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
