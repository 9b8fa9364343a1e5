using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Reports;

/// <summary>Where and with what it was measured.</summary>
internal static class Machine
{
    private const int Syncs = 300;

    public static async Task<IReadOnlyList<string>> DescribeAsync(Plan plan, string commit)
    {
        var lines = new List<string>
        {
            $"Date: {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC",
            $"Machine: {Environment.ProcessorCount} cores ({Fact("/proc/cpuinfo", "model name")}), {MemoryGiB():0} GiB, "
                + $"Linux {Fact("/proc/sys/kernel/osrelease")}",
            $"Disk: {new DriveInfo(plan.Data.FullName).DriveFormat}, "
                + $"a 4 KiB append with sync takes {SyncMs(plan.Data):0.00} ms (median of {Syncs})",
        };
        foreach (var kind in plan.Servers)
        {
            lines.Add(kind.Name switch
            {
                ServerKind.Ours => $"raft: commit {commit}, {RuntimeInformation.FrameworkDescription}",
                ServerKind.Etcd => await EtcdVersionAsync(kind.Program),
                _ => $"{kind.Name}: ASP.NET Core gRPC with our server's settings, which answers at once and stores nothing",
            });
        }

        return lines;
    }

    private static async Task<string> EtcdVersionAsync(string program)
    {
        using var process = Process.Start(new ProcessStartInfo(program, ["--version"]) { RedirectStandardOutput = true })!;
        var words = (await process.StandardOutput.ReadToEndAsync()).Split('\n');
        await process.WaitForExitAsync();
        string Of(string what) =>
            words.FirstOrDefault(line => line.StartsWith(what, StringComparison.Ordinal))?[what.Length..].Trim() ?? "?";
        return $"etcd: {Of("etcd Version:")}, {Of("Go Version:")}";
    }

    private static string Fact(string file) => File.ReadAllText(file).Trim();

    private static string Fact(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "?";

    private static double MemoryGiB() =>
        long.Parse(Fact("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1048576.0;

    private static double SyncMs(DirectoryInfo folder)
    {
        var path = Path.Combine(folder.FullName, "sync");
        var times = new List<double>();
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            var page = new byte[4096];
            for (var sync = 0; sync < Syncs; sync++)
            {
                var started = Stopwatch.GetTimestamp();
                RandomAccess.Write(file, page, sync * page.Length);
                RandomAccess.FlushToDisk(file);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        File.Delete(path);
        times.Sort();
        return times[Syncs / 2];
    }
}
