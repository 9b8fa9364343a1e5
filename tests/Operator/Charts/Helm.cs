using System.Diagnostics;
using Raft.Operator.Host.Tests.Kubernetes;

namespace Raft.Operator.Host.Tests;

/// <summary>The helm program: on PATH, or where tests/prerequisites.sh puts it.</summary>
internal static class Helm
{
    /// <summary>Runs it and gives what it wrote; throws with its complaint if it fails.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program()) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var complaint = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"helm {string.Join(' ', arguments)}: {complaint}");
    }

    /// <summary>What it tells whoever installs a chart. Helm asks a server for its version before it says anything.</summary>
    public static async Task<string> NotesAsync(ApiServer server, string chart, params string[] settings) =>
        (await RunAsync([
            "install", "charted", Repository.Find(chart), "--dry-run=client", "--kubeconfig", server.Kubeconfig, "--namespace", "x", .. settings,
        ])).Split("\nNOTES:\n")[1];

    private static string Program()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Append(Path.Combine(cache, "raft", "tools"));
        return folders.Select(folder => Path.Combine(folder, "helm")).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("helm is neither on PATH nor in the cache: run the tests by `make test`, which fetches it");
    }
}
