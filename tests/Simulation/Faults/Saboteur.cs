using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Faults;

/// <summary>Breaks things, as the seed's mix says, until healing begins.</summary>
internal sealed class Saboteur(Simulator simulator, SeededRandom random)
{
    private const int PeriodMs = 100;

    private readonly Swarm _swarm = simulator.Swarm;
    private long _leaderIsAwayUntil;

    public int Crashes { get; private set; }

    public int DiskFaults { get; private set; }

    public int Pauses { get; private set; }

    public void Begin() => simulator.At(0, BreakThings);

    private void BreakThings()
    {
        if (simulator.IsHealing)
            return;
        if (random.Chance(_swarm.PartitionChance))
            simulator.Network.Reshape([.. simulator.Members.Select(member => member.Id)], [.. simulator.Leaders.Select(leader => leader.Id)]);
        if (random.Chance(_swarm.SleepingLeaderChance) && simulator.Now >= _leaderIsAwayUntil && simulator.Leaders.ToList() is [_, ..] leaders)
            PutToSleep(random.Pick(leaders));
        foreach (var member in simulator.Members.ToList())
        {
            if (member.IsUp)
                Hit(member);
            else if (!member.IsBroken && random.Chance(_swarm.RestartChance))
                Restart(member);
        }

        simulator.At(PeriodMs, BreakThings);
    }

    /// <summary>
    /// A leader stands still while the others go on without it, and is cut off until some time after it wakes: by its own clock it
    /// heard from all of them just now.
    /// </summary>
    private void PutToSleep(SimulatedMember leader)
    {
        Pauses++;
        var milliseconds = random.Between(2_000, 8_000);
        leader.Pause(milliseconds);
        milliseconds += random.Between(500, 3_000);
        simulator.Network.CutOff(leader.Id, milliseconds);
        _leaderIsAwayUntil = simulator.Now + milliseconds;
    }

    private void Hit(SimulatedMember member)
    {
        if (random.Chance(_swarm.CrashChance))
        {
            Crashes++;
            if (random.Below(4) == 0)
                member.Crash("is killed");
            else
                member.DieAfter(random.Below(20));
        }
        else if (random.Chance(_swarm.PauseChance))
        {
            Pauses++;
            member.Pause(random.Pick([50, 500, 3_000, 8_000]));
        }
        else if (random.Chance(_swarm.DiskFaultChance))
        {
            DiskFaults++;
            FailDisk(member);
        }

        if (random.Chance(_swarm.ClockJumpChance))
            Jump(member);
        if (random.Chance(_swarm.FalseRefusalChance))
            Mislead(member);
    }

    private void Mislead(SimulatedMember member)
    {
        var other = random.Pick([.. simulator.Members]).Id;
        simulator.Trace.Fault(member.Id, $"{member.Id} is told wrongly that nothing listens at {other}");
        member.Node?.ConnectionRefused(other);
    }

    private void Jump(SimulatedMember member)
    {
        member.ClockOffsetMs = random.Between(-100_000, 100_000);
        simulator.Trace.Fault(member.Id, $"the clock of {member.Id} is wrong by {member.ClockOffsetMs} ms");
    }

    private void FailDisk(SimulatedMember member)
    {
        switch (random.Below(3))
        {
            case 0:
                simulator.Trace.Fault(member.Id, $"the disk of {member.Id} stalls");
                member.DiskStallsUntil = simulator.Now + random.Between(1_000, 20_000);
                break;
            case 1:
                simulator.Trace.Fault(member.Id, $"the disk of {member.Id} is about to fail");
                member.Disk.OperationsUntilFailure = random.Below(5);
                break;
            default:
                simulator.Trace.Fault(member.Id, $"the disk of {member.Id} is full");
                member.Disk.CapacityBytes = 0;
                break;
        }
    }

    private void Restart(SimulatedMember member)
    {
        member.Disk.CapacityBytes = long.MaxValue;
        if (random.Chance(_swarm.BitFlipChance) && simulator.Administrator.MayLose(member.Id))
        {
            DiskFaults++;
            member.FlipBit();
        }

        if (random.Below(4) == 0)
            member.DieAfter(random.Below(8));
        member.Start();
    }
}
