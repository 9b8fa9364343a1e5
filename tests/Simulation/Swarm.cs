using Raft.KeyValue.Watching;

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

    /// <summary>Bytes of a segment of the log: small ones begin often.</summary>
    public required int SegmentBytes { get; init; }

    /// <summary>Whether segments are prepared ahead of time.</summary>
    public required bool ZeroAhead { get; init; }

    /// <summary>Chance, each 100 ms, that a member dies within its next steps.</summary>
    public required int CrashChance { get; init; }

    /// <summary>Chance, each 100 ms, that a member that is down starts again.</summary>
    public required int RestartChance { get; init; }

    /// <summary>Chance, each 100 ms, that a member stands still for a while.</summary>
    public required int PauseChance { get; init; }

    /// <summary>
    /// Chance, each 100 ms, that a leader stands still and is cut off for longer: it wakes where others have gone on without it, and
    /// nobody tells it.
    /// </summary>
    public required int SleepingLeaderChance { get; init; }

    /// <summary>
    /// Chance that a client or a lease holder stays with a leader for as long as that one answers. Such a client mostly reads, and such
    /// a holder hardly waits before it keeps its lease alive again.
    /// </summary>
    public required int LoyalChance { get; init; }

    /// <summary>Chance that the sender of a snapshot takes it for lost while it is on its way, and another overtakes it.</summary>
    public required int GivenUpSnapshotChance { get; init; }

    /// <summary>Chance, each 100 ms, that a member's disk stalls, fails or is full.</summary>
    public required int DiskFaultChance { get; init; }

    /// <summary>Chance, at a restart, that a bit of the log has flipped.</summary>
    public required int BitFlipChance { get; init; }

    /// <summary>Chance, each 100 ms, that a member's wall clock jumps.</summary>
    public required int ClockJumpChance { get; init; }

    /// <summary>Chance, each 100 ms, that a member is told wrongly that nothing listens where another does.</summary>
    public required int FalseRefusalChance { get; init; }

    public required int PartitionChance { get; init; }

    /// <summary>Chance, with each new shape of the network, that a link clogs.</summary>
    public required int ClogChance { get; init; }

    public required int ChangeChance { get; init; }

    public required int TransferChance { get; init; }

    /// <summary>Applied entries between two flushes.</summary>
    public required int SnapshotEntries { get; init; }

    /// <summary>Entries that the log keeps for those who lag.</summary>
    public required int CatchUpEntries { get; init; }

    public required int Clients { get; init; }

    /// <summary>Share of reads in what clients ask for.</summary>
    public required int ReadChance { get; init; }

    /// <summary>Chance that a client goes to a member that says it leads, rather than stay where it is.</summary>
    public required int AsksLeaderChance { get; init; }

    /// <summary>Longest time between an answer and the client's next request.</summary>
    public required int ThinkMilliseconds { get; init; }

    public required int AppendsInFlightMax { get; init; }

    public required int AppendBytesMax { get; init; }

    public required int CommittedBytesMax { get; init; }

    /// <summary>Keys that a command may look at and still be applied within a turn; others take simulated time.</summary>
    public required int KeysPerTurnMax { get; init; }

    public required int Watchers { get; init; }

    public required int LeaseHolders { get; init; }

    /// <summary>Leases that a leader ends at one tick.</summary>
    public required int LeasesEndedPerTick { get; init; }

    /// <summary>What may wait for watchers: little makes them read up on the past often.</summary>
    public required WatchLimits Watching { get; init; }

    public static Swarm Draw(SeededRandom random)
    {
        int OftenNone(int most) => random.Below(3) == 0 ? 0 : random.Between(1, most);
        var leadersSleep = random.Below(4) == 0;
        var snapshotsAreGivenUp = random.Below(3) == 0;

        // Where members fall and messages are lost all the time, hardly anybody leads for long enough to be put to sleep.
        int Calm(int most) => OftenNone(leadersSleep ? most / 10 : most);
        return new Swarm
        {
            Voters = leadersSleep ? random.Pick([3, 3, 5]) : random.Pick([1, 2, 3, 3, 3, 4, 5, 5]),
            DurationMilliseconds = random.Between(10_000, 40_000),
            LossChance = Calm(2_000),
            DuplicationChance = OftenNone(1_000),
            DelayMilliseconds = random.Pick([2, 10, 50, 150]),
            Reorders = random.Below(2) == 0,
            SyncMilliseconds = random.Pick([0, 2, 10, 100, 400]),
            SegmentBytes = random.Pick([4_096, 8_192, 32_768]),
            ZeroAhead = random.Below(4) == 0,
            CrashChance = Calm(400),
            RestartChance = random.Pick([200, 1_000, 5_000]),
            PauseChance = Calm(100),
            SleepingLeaderChance = leadersSleep ? random.Between(200, 1_000) : 0,
            LoyalChance = leadersSleep ? 7_000 : 0,
            GivenUpSnapshotChance = snapshotsAreGivenUp ? random.Between(2_000, 8_000) : 0,
            DiskFaultChance = Calm(60),
            BitFlipChance = OftenNone(2_000),
            ClockJumpChance = OftenNone(100),
            FalseRefusalChance = OftenNone(500),
            PartitionChance = Calm(800),
            ClogChance = OftenNone(5_000),
            ChangeChance = OftenNone(1_500),
            TransferChance = OftenNone(300),
            SnapshotEntries = random.Pick([3, 20, 200]),
            CatchUpEntries = random.Pick([0, 5, 50]),
            Clients = random.Between(1, 6),
            ReadChance = random.Pick([1_000, 3_000, 7_000]),
            AsksLeaderChance = random.Pick([0, 2_000, 9_000]),
            ThinkMilliseconds = random.Pick([5, 50, 300]),
            AppendsInFlightMax = random.Pick([1, 3, 64]),
            AppendBytesMax = random.Pick([1, 100, 100_000]),
            CommittedBytesMax = random.Pick([1, 200, 100_000]),
            KeysPerTurnMax = random.Pick([0, 1, 256]),
            Watchers = OftenNone(4),
            LeaseHolders = leadersSleep ? random.Between(1, 3) : OftenNone(3),
            LeasesEndedPerTick = random.Pick([1, 200]),
            Watching = new WatchLimits
            {
                StreamBytesMax = random.Pick([100, 1_000, 1_000_000]),
                AnswerBytesMax = random.Pick([50, 500, 500_000]),
                PublishedBytesMax = random.Pick([200, 5_000, 5_000_000]),
                CatchUpChanges = random.Pick([1, 10, 1_000]),
            },
        };
    }
}
