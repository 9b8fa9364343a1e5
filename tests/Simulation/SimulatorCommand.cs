using System.Diagnostics;
using System.Globalization;
using Raft.Consensus;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Mutations;
using Raft.Simulation.Tests.Timeline;

namespace Raft.Simulation.Tests;

/// <summary>
/// The command line: <c>--seed S</c> replays one run, <c>--seeds N [--from F]</c> tries many, <c>--mutations</c> breaks every rule
/// in turn, and <c>--mutation NAME</c> breaks one. A run that fails, or was asked for, becomes a page.
/// </summary>
internal sealed record SimulatorCommand
{
    private const int SeedsByDefault = 200;
    private const int SeedsAMutation = 1_000;

    public ulong? Seed { get; private init; }

    public int? Seeds { get; private init; }

    public ulong From { get; private init; } = 1;

    public bool AllMutations { get; private init; }

    public string? MutationName { get; private init; }

    /// <summary>Where pages go; a folder that is made when there is one.</summary>
    public string Pages { get; private init; } = "";

    /// <summary>What of the command line cannot be understood.</summary>
    public string? Complaint { get; private init; }

    public static bool TryParse(string[] arguments, out SimulatorCommand command)
    {
        string? ValueOf(string option)
        {
            var position = Array.IndexOf(arguments, option);
            return position >= 0 && position + 1 < arguments.Length ? arguments[position + 1] : null;
        }

        string? complaint = null;
        ulong? NumberOf(string option, ulong most)
        {
            if (!arguments.Contains(option))
                return null;
            var value = ValueOf(option);
            if (ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most)
                return number;
            complaint ??= $"{option} takes a whole number, not '{value}'.";
            return 0;
        }

        command = new SimulatorCommand
        {
            Seed = NumberOf("--seed", ulong.MaxValue),
            Seeds = (int?)NumberOf("--seeds", int.MaxValue),
            From = NumberOf("--from", ulong.MaxValue) ?? 1,
            Complaint = complaint,
            AllMutations = arguments.Contains("--mutations"),
            MutationName = ValueOf("--mutation"),
            Pages = ValueOf("--pages") ?? Path.Combine("artifacts", "sim"),
        };
        return command is not { Seed: null, Seeds: null, AllMutations: false, MutationName: null };
    }

    public int Run()
    {
        if (Complaint is null)
            return AllMutations ? BreakEveryRule() : MutationName is { } name ? BreakRule(name) : Seed is { } seed ? Replay(seed) : TryMany();
        Console.Error.WriteLine(Complaint);
        return 2;
    }

    internal static string? Failure(Action run) => Thrown(run) is { } thrown ? Describe(thrown) : null;

    private static Exception? Thrown(Action run)
    {
        try
        {
            run();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    private static string Describe(Exception failure) =>
        failure is SafetyViolationException or InvariantViolationException ? failure.Message : failure.ToString();

    private int Replay(ulong seed)
    {
        var (simulator, failure, page) = Draw(seed, mutation: null);
        Console.WriteLine(simulator.Trace.Text);
        Console.WriteLine(failure ?? $"seed {seed}: all promises kept; {simulator.Summary}");
        Console.WriteLine($"timeline: {page}");
        return failure is null ? 0 : 1;
    }

    private int TryMany()
    {
        var seeds = Seeds ?? SeedsByDefault;
        var watch = Stopwatch.StartNew();
        var (done, all) = (0, new RunSummary());
        var failed = new SortedSet<ulong>();
        Parallel.For(0, seeds, offset =>
        {
            var simulator = new Simulator(From + (ulong)offset);
            var failure = Failure(simulator.Run);
            lock (failed)
            {
                all += simulator.Summary;
                if (failure is not null)
                {
                    failed.Add(From + (ulong)offset);
                    Console.WriteLine($"seed {From + (ulong)offset}: {failure}");
                }

                if (++done % 100 == 0)
                    Console.Error.WriteLine($"{done} of {seeds} seeds, {failed.Count} failed, {done / watch.Elapsed.TotalSeconds:F1} seeds/s");
            }
        });
        Console.WriteLine($"{seeds - failed.Count} seeds passed, {failed.Count} failed; {seeds / watch.Elapsed.TotalSeconds:F1} seeds/s, {all}");
        if (failed.Count == 0)
            return 0;
        Console.WriteLine($"failed: {string.Join(' ', failed)}");
        Console.WriteLine($"timeline of the first: {Draw(failed.Min, mutation: null).Page}");
        return 1;
    }

    /// <summary>A table in Markdown, as docs/testing.md has it.</summary>
    private int BreakEveryRule()
    {
        Console.WriteLine("| broken rule | seeds needed | caught by |");
        Console.WriteLine("| --- | ---: | --- |");
        var missed = 0;
        foreach (var mutation in Mutation.Catalogue)
        {
            var (seed, caughtBy) = mutation.Hunt(From, Seeds ?? SeedsAMutation);
            missed += caughtBy is null ? 1 : 0;
            Console.WriteLine(caughtBy is null
                ? $"| {mutation.Name} | | **not caught in {Seeds ?? SeedsAMutation} seeds** |"
                : $"| {mutation.Name} | {seed - From + 1} | {caughtBy} |");
        }

        Console.WriteLine($"\n{Mutation.Catalogue.Count - missed} rules caught, {missed} not");
        return missed;
    }

    private int BreakRule(string name)
    {
        if (Mutation.Catalogue.FirstOrDefault(mutation => mutation.Name.Contains(name, StringComparison.OrdinalIgnoreCase)) is not { } broken)
        {
            Console.Error.WriteLine($"There is no mutation '{name}'. There are:\n  {string.Join("\n  ", Mutation.Catalogue.Select(mutation => mutation.Name))}");
            return 2;
        }

        var (seed, caughtBy) = Seed is { } one ? (one, "") : broken.Hunt(From, Seeds ?? SeedsAMutation);
        if (caughtBy is null)
        {
            Console.WriteLine($"{broken.Name}: not caught in {Seeds ?? SeedsAMutation} seeds");
            return 1;
        }

        var (_, failure, page) = Draw(seed, broken);
        Console.WriteLine($"{broken.Name}: seed {seed}: {failure ?? "not caught"}");
        Console.WriteLine($"timeline: {page}");
        return 0;
    }

    /// <summary>Runs a seed once more and makes a page of it.</summary>
    private (Simulator Simulator, string? Failure, string Page) Draw(ulong seed, Mutation? mutation)
    {
        var timeline = new TimelineRecorder(seed, (mutation is null ? "" : $"broken on purpose: {mutation.Name}; ") + Simulator.SwarmOf(seed));
        var simulator = new Simulator(seed, mutation?.Parts, keepsTrace: true, timeline);
        var thrown = Thrown(simulator.Run);
        var failure = thrown is null ? null : Describe(thrown);
        if (failure is not null)
            timeline.Violation(simulator.Now, (thrown as SafetyViolationException)?.Member, failure.Split(':')[0], failure);
        var page = Path.GetFullPath(Path.Combine(Pages, $"seed-{seed}{(mutation is null ? "" : "-" + mutation.Name.Replace(' ', '-'))}.html"));
        timeline.WriteHtml(page);
        return (simulator, failure, page);
    }
}
