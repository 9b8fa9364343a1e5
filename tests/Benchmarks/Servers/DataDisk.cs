using System.Globalization;

namespace Raft.Benchmarks.Servers;

/// <summary>
/// The device under the members' data, and what was written to it by anyone. Asking the processes (write_bytes in /proc/PID/io)
/// would not do: Linux counts a whole folio, up to a megabyte, as soon as one byte of it is dirty, and then writes only the
/// blocks that are.
/// </summary>
internal sealed class DataDisk
{
    private const int SectorBytes = 512;
    private const int SectorsWritten = 6;

    private readonly string? _statistics;

    public DataDisk(DirectoryInfo folder)
    {
        // mountinfo: id, parent, major:minor, root, mount point. The longest mount point above the folder is its own.
        var device = File.ReadLines("/proc/self/mountinfo")
            .Select(static line => line.Split(' '))
            .Where(mount => $"{folder.FullName}/".StartsWith(mount[4].TrimEnd('/') + "/", StringComparison.Ordinal))
            .MaxBy(static mount => mount[4].Length)?[2];
        var statistics = $"/sys/dev/block/{device}/stat";
        _statistics = File.Exists(statistics) ? statistics : null;
    }

    /// <summary>Null if the data lie on no block device, as in a container's own file system.</summary>
    public long? WrittenBytes => _statistics is null
        ? null
        : SectorBytes * long.Parse(
            File.ReadAllText(_statistics).Split(' ', StringSplitOptions.RemoveEmptyEntries)[SectorsWritten], CultureInfo.InvariantCulture);
}
