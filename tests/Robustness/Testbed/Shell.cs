using System.ComponentModel;
using System.Diagnostics;

namespace Raft.Robustness.Tests.Testbed;

/// <summary>Runs the system's own commands.</summary>
internal static class Shell
{
    /// <summary>Runs a command, given as words between single spaces, to its end.</summary>
    /// <exception cref="InvalidOperationException">It ended with an error; the message has its words.</exception>
    public static async Task<string> RunAsync(string command)
    {
        var (exitCode, output) = await TryAsync(command);
        return exitCode == 0 ? output : throw new InvalidOperationException($"'{command}' ended with {exitCode}: {output.Trim()}");
    }

    /// <summary>The same, for a command that may fail; -1 if there is no such command.</summary>
    public static async Task<(int ExitCode, string Output)> TryAsync(string command)
    {
        var words = command.Split(' ');
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode, output[0] + output[1]);
        }
        catch (Win32Exception missing)
        {
            return (-1, missing.Message);
        }
    }
}
