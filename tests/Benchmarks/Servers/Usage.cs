using System.Diagnostics;
using System.Globalization;

namespace Raft.Benchmarks.Servers;

/// <summary>What a process has used since it began, as /proc tells.</summary>
/// <param name="Cpu">User and system time.</param>
/// <param name="ResidentBytes">Now, not since it began.</param>
/// <param name="WrittenBytes">That it caused to be sent to the disk.</param>
internal readonly record struct Usage(TimeSpan Cpu, long ResidentBytes, long WrittenBytes)
{
    public static Usage Of(Process process)
    {
        process.Refresh();
        return new(process.TotalProcessorTime, process.WorkingSet64, Written(process.Id));
    }

    private static long Written(int processId)
    {
        const string Name = "write_bytes: ";
        var line = File.ReadLines($"/proc/{processId}/io").First(line => line.StartsWith(Name, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Name.Length), CultureInfo.InvariantCulture);
    }
}
