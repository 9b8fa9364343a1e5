using System.Diagnostics;
using System.Globalization;

namespace Raft.Benchmarks.Servers;

/// <summary>What a process has used since it began, as /proc tells.</summary>
/// <param name="Cpu">User and system time.</param>
/// <param name="ResidentBytes">Now, not since it began.</param>
/// <param name="AnonymousBytes">
/// Of these, what is no page of a file: etcd maps its database, whose pages the kernel can drop, and ours reads with the kernel's cache,
/// which belongs to no process.
/// </param>
internal readonly record struct Usage(TimeSpan Cpu, long ResidentBytes, long AnonymousBytes)
{
    private const string Anonymous = "RssAnon:";

    public static Usage Of(Process process)
    {
        process.Refresh();
        return new(process.TotalProcessorTime, process.WorkingSet64, AnonymousBytesOf(process.Id));
    }

    /// <summary>As in "RssAnon:     1234 kB".</summary>
    private static long AnonymousBytesOf(int process) => 1024 * long.Parse(
        File.ReadLines($"/proc/{process}/status")
            .First(static line => line.StartsWith(Anonymous, StringComparison.Ordinal))[Anonymous.Length..^2].Trim(),
        CultureInfo.InvariantCulture);
}
