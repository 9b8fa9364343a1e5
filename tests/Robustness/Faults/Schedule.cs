namespace Raft.Robustness.Tests.Faults;

/// <summary>What a seed does to a cluster: strikes one after the other, each of one fault or of two at the same time.</summary>
internal sealed class Schedule(int seed)
{
    private const int StrikesPerRound = 9;
    private readonly Random _random = new(seed);

    /// <summary>Every fault once, one at a time, in rounds: what a short run is made of.</summary>
    public IReadOnlyList<IReadOnlyList<IReadOnlyList<PlannedFault>>> EachOnce() =>
        [.. Shuffled().Select(fault => new[] { Plan(fault, seconds: 3) }).Chunk(StrikesPerRound)];

    /// <summary>One round of a long run.</summary>
    public IReadOnlyList<IReadOnlyList<PlannedFault>> Round() => [.. Enumerable.Range(0, StrikesPerRound).Select(_ => Strike())];

    private PlannedFault[] Strike()
    {
        var first = Plan(_random.GetItems(FaultCatalogue.All.ToArray(), 1)[0], seconds: 8);
        if (_random.Next(5) < 3)
            return [first];
        var second = Plan(_random.GetItems(FaultCatalogue.All.Where(fault => !fault.ChangesMembers && fault != first.Fault).ToArray(), 1)[0], seconds: 8);
        return [first, second];
    }

    private Fault[] Shuffled()
    {
        var faults = FaultCatalogue.All.ToArray();
        _random.Shuffle(faults);
        return faults;
    }

    private PlannedFault Plan(Fault fault, int seconds) =>
        new(fault, _random.Next(2) == 0, _random.Next(100), _random.Next(100), TimeSpan.FromMilliseconds(_random.Next(seconds * 600, seconds * 1000)));
}
