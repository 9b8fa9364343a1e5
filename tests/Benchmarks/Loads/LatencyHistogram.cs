using System.Diagnostics;
using System.Numerics;

namespace Raft.Benchmarks.Loads;

/// <summary>Counts latencies in buckets that are at most 1.6 % wide, so that any percentile is known without keeping them all.</summary>
internal sealed class LatencyHistogram
{
    private const int StepBits = 6;
    private const int Steps = 1 << StepBits;

    // Up to 2^40 ns, a quarter of an hour.
    private readonly int[] _counts = new int[(40 - StepBits + 1) * Steps];

    public long Count { get; private set; }

    public void Record(long stopwatchTicks)
    {
        var nanoseconds = (ulong)(stopwatchTicks * (1_000_000_000.0 / Stopwatch.Frequency));
        _counts[Math.Min(BucketOf(nanoseconds), _counts.Length - 1)]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            _counts[bucket] += other._counts[bucket];
        }

        Count += other.Count;
    }

    /// <summary>The latency that this share of all requests did not exceed.</summary>
    public TimeSpan Percentile(double share)
    {
        var wanted = (long)Math.Ceiling(Count * share);
        var seen = 0L;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= wanted)
            {
                return TimeSpan.FromTicks((long)(UpperBound(bucket) / 100));
            }
        }

        return TimeSpan.Zero;
    }

    private static int BucketOf(ulong value)
    {
        var shift = Math.Max(0, BitOperations.Log2(value | 1) - StepBits);
        return (shift * Steps) + (int)(value >> shift);
    }

    private static ulong UpperBound(int bucket)
    {
        var shift = Math.Max(0, (bucket / Steps) - 1);
        return (ulong)(bucket - (shift * Steps) + 1) << shift;
    }
}
