using System.Globalization;
using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Reports;

/// <summary>What was seen from outside while a load ran.</summary>
/// <param name="Time">How long.</param>
/// <param name="Before">The members' usage at the beginning.</param>
/// <param name="After">And at the end.</param>
/// <param name="GeneratorCpu">What the load generator itself used meanwhile.</param>
/// <param name="WrittenBytes">To the disk meanwhile; null if nobody counts that.</param>
internal sealed record Taken(
    TimeSpan Time, IReadOnlyList<Usage> Before, IReadOnlyList<Usage> After, TimeSpan GeneratorCpu, long? WrittenBytes);

/// <summary>One load, once.</summary>
internal sealed record Measurement(LatencyHistogram Latencies, Taken Taken, int Failures)
{
    public string? FirstFailure { get; init; }

    public double PerSecond => Latencies.Count / Taken.Time.TotalSeconds;

    public double MedianMs => Latencies.Percentile(0.5).TotalMilliseconds;

    public double P99Ms => Latencies.Percentile(0.99).TotalMilliseconds;

    public double P999Ms => Latencies.Percentile(0.999).TotalMilliseconds;

    /// <summary>All members together.</summary>
    public double ServerCpuUs => PerRequest(CpuUs(Taken.After) - CpuUs(Taken.Before));

    public double GeneratorCpuUs => PerRequest(Taken.GeneratorCpu.TotalMicroseconds);

    /// <summary>Of the largest member.</summary>
    public double ResidentMiB => Taken.After.Max(static usage => usage.ResidentBytes) / 1048576.0;

    /// <summary>Of the member that has most.</summary>
    public double AnonymousMiB => Taken.After.Max(static usage => usage.AnonymousBytes) / 1048576.0;

    /// <summary>All members together.</summary>
    public double WrittenBytes => PerRequest(Taken.WrittenBytes ?? double.NaN);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{PerSecond,9:N0}/s   p50 {MedianMs:0.00} p99 {P99Ms:0.00} p99.9 {P999Ms:0.00} ms"
        + $"   CPU a request: server {ServerCpuUs:0.0} generator {GeneratorCpuUs:0.0} us   {ResidentMiB:0} MiB")
        + (Failures > 0 ? $"   {Failures} FAILED, the first by: {FirstFailure}" : "");

    private static double CpuUs(IReadOnlyList<Usage> usages) => usages.Sum(static usage => usage.Cpu.TotalMicroseconds);

    private double PerRequest(double value) => Latencies.Count == 0 ? double.NaN : value / Latencies.Count;
}
