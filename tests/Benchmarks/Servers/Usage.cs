using System.Diagnostics;

namespace Raft.Benchmarks.Servers;

/// <summary>What a process has used since it began, as /proc tells.</summary>
/// <param name="Cpu">User and system time.</param>
/// <param name="ResidentBytes">Now, not since it began.</param>
internal readonly record struct Usage(TimeSpan Cpu, long ResidentBytes)
{
    public static Usage Of(Process process)
    {
        process.Refresh();
        return new(process.TotalProcessorTime, process.WorkingSet64);
    }
}
