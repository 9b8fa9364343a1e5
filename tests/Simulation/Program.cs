using System.Diagnostics;
using System.Globalization;
using Raft.Simulation.Tests;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Mutations;

// With --seed or --seeds this is the simulator; otherwise the tests, with the runner that xunit would have generated.
if (SimulatorCommand.TryParse(args, out var command))
    return command.Run();
return args.Any(argument => argument is "--server" or "--internal-msbuild-node")
    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);

/// <summary>The command line: <c>--seed S</c> replays one run, <c>--seeds N [--from F]</c> tries many, <c>--mutations</c> breaks rules.</summary>
internal sealed record SimulatorCommand(ulong? Seed, int Seeds, ulong From, bool Mutations)
{
    public static bool TryParse(string[] arguments, out SimulatorCommand command)
    {
        string? ValueOf(string option)
        {
            var position = Array.IndexOf(arguments, option);
            return position >= 0 && position + 1 < arguments.Length ? arguments[position + 1] : null;
        }

        var seed = ValueOf("--seed");
        var seeds = ValueOf("--seeds");
        var mutations = arguments.Contains("--mutations");
        command = new SimulatorCommand(
            seed is null ? null : ulong.Parse(seed, CultureInfo.InvariantCulture),
            seeds is null ? 200 : int.Parse(seeds, CultureInfo.InvariantCulture),
            ulong.Parse(ValueOf("--from") ?? "1", CultureInfo.InvariantCulture),
            mutations);
        return seed is not null || seeds is not null || mutations;
    }

    public int Run() => Seed is { } seed ? Replay(seed) : Mutations ? BreakRules() : TryMany();

    private static int Replay(ulong seed)
    {
        var simulator = new Simulator(seed, keepsTrace: true);
        var failure = Failure(() => Console.Error.WriteLine(simulator.Run()));
        Console.WriteLine(simulator.Trace.Text);
        Console.WriteLine(failure ?? $"seed {seed}: all promises kept");
        return failure is null ? 0 : 1;
    }

    private int TryMany()
    {
        var watch = Stopwatch.StartNew();
        var summaries = new List<RunSummary>();
        var failures = new SortedDictionary<ulong, string>();
        Parallel.For(0, Seeds, offset =>
        {
            RunSummary? summary = null;
            var failure = Failure(() => summary = new Simulator(From + (ulong)offset).Run());
            lock (failures)
            {
                if (failure is null)
                    summaries.Add(summary!);
                else
                    failures[From + (ulong)offset] = failure;
                if ((summaries.Count + failures.Count) % 100 == 0)
                    Console.Error.WriteLine($"{summaries.Count + failures.Count} of {Seeds} seeds, {failures.Count} failed");
            }
        });
        foreach (var (failed, why) in failures)
            Console.WriteLine($"seed {failed}: {why}");
        Console.WriteLine(
            $"{summaries.Count} seeds passed, {failures.Count} failed; {Seeds / watch.Elapsed.TotalSeconds:F1} seeds/s, "
            + summaries.Aggregate(new RunSummary(), static (sum, run) => sum + run));
        return failures.Count == 0 ? 0 : 1;
    }

    private int BreakRules()
    {
        var missed = 0;
        foreach (var mutation in Mutation.Catalogue)
        {
            var (seed, caughtBy) = mutation.Hunt(From, Seeds);
            missed += caughtBy is null ? 1 : 0;
            Console.WriteLine($"{mutation.Name,-55} {(caughtBy is null ? $"NOT CAUGHT in {Seeds} seeds" : $"seed {seed,4}  {caughtBy}")}");
        }

        return missed;
    }

    internal static string? Failure(Action run)
    {
        try
        {
            run();
            return null;
        }
        catch (Exception failure)
        {
            return failure is SafetyViolationException or Raft.Consensus.InvariantViolationException ? failure.Message : failure.ToString();
        }
    }
}
