using System.Diagnostics;
using Raft.Differential.Tests.Comparison;
using Raft.Differential.Tests.Requests;
using Raft.Differential.Tests.Servers;

namespace Raft.Differential.Tests;

/// <summary>Many sequences, one seed each, on servers that are replaced now and then.</summary>
internal sealed class DifferentialRun
{
    private const int SequencesOfALife = 250;
    private const int TriesMax = 60;

    /// <summary>What sequences may be about.</summary>
    public Feature Features { get; init; } = Feature.All;

    /// <summary>Starts what is compared with etcd; null: our server.</summary>
    public Func<Task<ServerProcess>>? StartOurs { get; init; }

    /// <summary>Called with each step and etcd's answer.</summary>
    public Action<string>? OnStep { get; init; }

    /// <summary>Called after each sequence with how many there were.</summary>
    public Action<int>? OnSequence { get; init; }

    /// <summary>Whether a failing sequence is run again, shortened, on fresh servers.</summary>
    public bool Shrinks { get; init; } = true;

    public int Sequences { get; private set; }

    public int Answers { get; private set; }

    /// <summary>How often each explanation was needed.</summary>
    public SortedDictionary<string, int> Explained { get; } = [];

    /// <summary>Runs the sequences of the seeds from the first on.</summary>
    /// <param name="firstSeed">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="limit">When to stop earlier, after a whole sequence.</param>
    /// <returns>A report of the first difference; null: there was none.</returns>
    public async Task<string?> RunAsync(int firstSeed, int count, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        for (var done = 0; done < count && Stopwatch.GetElapsedTime(started) < limit;)
        {
            await using var pair = await ServerPair.StartAsync(StartOurs, OnStep);
            var life = Math.Min(SequencesOfALife, count - done);
            for (var i = 0; i < life && Stopwatch.GetElapsedTime(started) < limit; i++, done++)
            {
                var seed = firstSeed + done;
                var steps = SequenceGenerator.Generate(seed, Features);
                if (await pair.RunAsync(steps) is { } difference)
                {
                    Take(pair);
                    await pair.DisposeAsync();
                    return $"seed {seed}, on servers that began with seed {seed - i}:\n{difference}{await AgainAsync(steps)}";
                }

                Sequences++;
                OnSequence?.Invoke(Sequences);
            }

            Take(pair);
        }

        return null;
    }

    /// <summary>The same sequence on fresh servers, and a shorter one that differs too.</summary>
    private async Task<string> AgainAsync(IReadOnlyList<Step> steps)
    {
        if (!Shrinks) return "";
        ServerPair? pair = null;
        try
        {
            if (await TryAsync(steps) is null)
                return "\n\nFrom fresh servers this sequence alone shows no difference: run all seeds from the one that the servers began with.";
            var shortest = await Shrinking.ShortenAsync(steps, TryAsync, TriesMax);
            return shortest is null ? "\n\nNo step can be left out." : $"\n\nShortened, from fresh servers:\n{shortest}";
        }
        finally
        {
            if (pair is not null) await pair.DisposeAsync();
        }

        // Servers that were found to differ are of no further use.
        async Task<Difference?> TryAsync(IReadOnlyList<Step> some)
        {
            pair ??= await ServerPair.StartAsync(StartOurs);
            var difference = await pair.RunAsync(some);
            if (difference is not null)
            {
                await pair.DisposeAsync();
                pair = null;
            }

            return difference;
        }
    }

    private void Take(ServerPair pair)
    {
        Answers += pair.Answers;
        foreach (var (name, count) in pair.Explained) Explained[name] = Explained.GetValueOrDefault(name) + count;
    }
}
