namespace Raft.Simulation.Tests;

/// <summary>
/// What one run is made of. Each seed draws its own mix and strength of faults (swarm testing, Groce et al. 2012): a fault
/// that is always on hides what only happens without it. Chances are in ten thousand; times in simulated milliseconds.
/// </summary>
internal sealed record Swarm
{
    public required int Voters { get; init; }

    public required int DurationMilliseconds { get; init; }

    public required int LossChance { get; init; }

    public required int DuplicationChance { get; init; }

    public required int DelayMilliseconds { get; init; }

    /// <summary>Messages on a link overtake each other; otherwise each link keeps their order, as a stream does.</summary>
    public required bool Reorders { get; init; }

    public required int SyncMilliseconds { get; init; }

    /// <summary>Chance of a crash between any two steps of a member's work.</summary>
    public required int CrashChance { get; init; }

    public required int PartitionChance { get; init; }

    public required int ChangeChance { get; init; }

    public required int TransferChance { get; init; }

    public required int CompactionChance { get; init; }

    public required int ReadChance { get; init; }

    public required int WriteBurst { get; init; }

    public required int AppendsInFlightMax { get; init; }

    public required int AppendBytesMax { get; init; }

    public required int CommittedBytesMax { get; init; }

    public static Swarm Draw(SeededRandom random)
    {
        int OftenNone(int most) => random.Below(3) == 0 ? 0 : random.Between(1, most);
        return new Swarm
        {
            Voters = random.Pick([1, 2, 3, 3, 3, 4, 5, 5]),
            DurationMilliseconds = random.Between(10_000, 40_000),
            LossChance = OftenNone(2_000),
            DuplicationChance = OftenNone(1_000),
            DelayMilliseconds = random.Pick([2, 10, 50, 150]),
            Reorders = random.Below(2) == 0,
            SyncMilliseconds = random.Pick([0, 2, 10, 100, 400]),
            CrashChance = OftenNone(60),
            PartitionChance = OftenNone(800),
            ChangeChance = OftenNone(600),
            TransferChance = OftenNone(300),
            CompactionChance = OftenNone(1_000),
            ReadChance = random.Pick([0, 2_000, 6_000]),
            WriteBurst = random.Pick([1, 3, 20]),
            AppendsInFlightMax = random.Pick([1, 3, 64]),
            AppendBytesMax = random.Pick([1, 100, 100_000]),
            CommittedBytesMax = random.Pick([1, 200, 100_000]),
        };
    }
}
