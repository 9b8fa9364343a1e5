using System.Diagnostics;

namespace Raft.Server.Tests;

/// <summary>The real etcdctl.</summary>
internal static class Etcdctl
{
    /// <summary>Runs it and gives what it printed; fails the test if it fails.</summary>
    public static async Task<string> RunAsync(string endpoints, params string[] arguments)
    {
        var (exitCode, output) = await TryAsync(endpoints, arguments);
        Assert.True(exitCode == 0, $"etcdctl {string.Join(' ', arguments)}: {output}");
        return output;
    }

    /// <summary>Runs it and gives its exit code and all that it printed.</summary>
    public static async Task<(int ExitCode, string Output)> TryAsync(string endpoints, params string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        // etcdctl 3.4 names a whole http URL as the host that it calls, which Kestrel refuses; without the scheme it does not.
        start.ArgumentList.Add($"--endpoints={endpoints.Replace("http://", "", StringComparison.Ordinal)}");
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }
}
