using System.Diagnostics;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>A program that ended with a code other than 0, and what it said.</summary>
internal sealed class CommandFailedException(string command, int code, string said)
    : Exception($"`{command}` ended with code {code}:\n{said}")
{
    public int Code { get; } = code;
}

/// <summary>Runs kubectl, helm and our scripts as a user would, in the environment that `make e2e` prepared.</summary>
internal static class Command
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

    /// <summary>Runs to the end and gives what was written to standard output.</summary>
    /// <exception cref="CommandFailedException">The program ended with another code than 0.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string? input = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(patience.Token);
            return process.ExitCode == 0
                ? await output
                : throw new CommandFailedException($"{program} {string.Join(' ', start.ArgumentList)}", process.ExitCode, await errors + await output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"`{program} {string.Join(' ', start.ArgumentList)}` still ran after {Patience}");
        }
    }
}
