using System.Diagnostics;

namespace Raft.Fuzzing.Tests;

/// <summary>
/// Replays a target's corpus, then mutates it. Inputs run on a thread of their own, which is watched: one that takes too long is
/// a finding, as is one that allocates too much or ends in an exception that is not documented.
/// </summary>
internal sealed class Fuzzer(IFuzzTarget target, int seed)
{
    /// <summary>Far above what any input takes, also on a busy machine.</summary>
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(60);

    private readonly List<(byte[] Input, string Finding)> _failures = [];
    private long _startedAt;
    private byte[] _input = [];

    /// <summary>How many inputs ended how.</summary>
    public SortedDictionary<string, int> Outcomes { get; } = new(StringComparer.Ordinal);

    /// <summary>Most bytes that one input allocated.</summary>
    public long AllocatedBytesMax { get; private set; }

    /// <summary>Runs the corpus and then mutated inputs, until so many have been run or failures have been found.</summary>
    /// <param name="goOn">Asked before each mutated input, with the number of those before it.</param>
    /// <returns>The inputs that failed, with what was found.</returns>
    public IReadOnlyList<(byte[] Input, string Finding)> Run(Func<int, bool> goOn)
    {
        var thread = new Thread(() => RunAll(goOn)) { IsBackground = true, Name = $"fuzzing {target.Name}" };
        thread.Start();
        while (!thread.Join(TimeSpan.FromMilliseconds(200)))
        {
            var startedAt = Volatile.Read(ref _startedAt);
            if (startedAt != 0 && Stopwatch.GetElapsedTime(startedAt) > HangAfter)
                return [.. _failures, (_input, $"does not end within {HangAfter.TotalSeconds} s")];
        }

        return _failures;
    }

    private void RunAll(Func<int, bool> goOn)
    {
        var corpus = Corpus.Of(target);
        foreach (var (name, input) in corpus)
            RunOne(input, name);
        var inputs = corpus.Select(kept => kept.Input).Where(input => input.Length > 0).ToList();
        var mutator = new Mutator(seed);
        for (var count = 0; inputs.Count > 0 && _failures.Count < 20 && goOn(count); count++)
            RunOne(mutator.Mutate(inputs[mutator.Below(inputs.Count)], inputs), $"mutated input {count} of seed {seed}");
    }

    private void RunOne(byte[] input, string name)
    {
        _input = input;
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        string outcome;
        try
        {
            outcome = target.Run(input);
        }
        catch (Exception error)
        {
            outcome = "failed";
            _failures.Add((input, $"{name}: {error}"));
        }

        Volatile.Write(ref _startedAt, 0);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        AllocatedBytesMax = Math.Max(AllocatedBytesMax, allocated);
        if (allocated > target.AllocationBytesMax)
            _failures.Add((input, $"{name}: allocates {allocated} bytes"));
        Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + 1;
    }
}
