using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Raft.Robustness.Tests.Faults;
using Raft.Robustness.Tests.Testbed;

namespace Raft.Robustness.Tests;

/// <summary>The command line: <c>--minutes N</c> says how long, <c>--seed S</c> repeats a schedule of faults.</summary>
internal sealed record RobustnessCommand(double Minutes, int Seed)
{
    public static bool TryParse(string[] arguments, out RobustnessCommand command)
    {
        string? ValueOf(string option)
        {
            var position = Array.IndexOf(arguments, option);
            return position >= 0 && position + 1 < arguments.Length ? arguments[position + 1] : null;
        }

        var (minutes, seed) = (ValueOf("--minutes"), ValueOf("--seed"));
        command = new RobustnessCommand(
            double.Parse(minutes ?? "5", CultureInfo.InvariantCulture),
            seed is null ? Random.Shared.Next() : int.Parse(seed, CultureInfo.InvariantCulture));
        return minutes is not null || seed is not null;
    }

    public async Task<int> RunAsync()
    {
        if (await Requirements.WhyNotAsync() is { } obstacle)
        {
            Console.WriteLine($"cannot run here: {obstacle}");
            return 2;
        }
        try
        {
            var totals = await RunAsync(Seed, RoundsUntilTheEndAsync, line => Console.WriteLine($"{DateTime.Now:HH:mm:ss} {line}"));
            return totals.Undecided.Count == 0 ? 0 : 1;
        }
        catch (Exception failure)
        {
            Console.WriteLine($"FAILED: {(failure is RobustnessException or TimeoutException ? failure.Message : failure)}");
            return 1;
        }
    }

    /// <summary>Starts a cluster, runs rounds, and takes everything away again, also when the process is asked to stop.</summary>
    public static async Task<RunTotals> RunAsync(int seed, Func<RobustnessRun, Schedule, Task> rounds, Action<string> report)
    {
        var logs = Directory.CreateTempSubdirectory("raft-robustness-");
        report($"seed {seed}; the members' words are in {logs.FullName} until the run has passed");
        var totals = await RunAsync(seed, rounds, report, logs.FullName);
        logs.Delete(recursive: true);
        return totals;
    }

    private static async Task<RunTotals> RunAsync(int seed, Func<RobustnessRun, Schedule, Task> rounds, Action<string> report, string logs)
    {
        await using var cluster = await TestCluster.StartAsync(logs, report);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => cluster.Network.RemoveAsync().GetAwaiter().GetResult());
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => cluster.Network.RemoveAsync().GetAwaiter().GetResult());
        var run = new RobustnessRun(cluster, seed, report);
        try
        {
            await rounds(run, new Schedule(seed));
        }
        finally
        {
            report($"seed {seed}: {run.Totals}");
        }
        return run.Totals;
    }

    private async Task RoundsUntilTheEndAsync(RobustnessRun run, Schedule schedule)
    {
        var watch = Stopwatch.StartNew();
        for (var round = 0; watch.Elapsed.TotalMinutes < Minutes; round++)
            await run.RoundAsync(round, schedule.Round());
    }
}
