namespace Raft.Simulation.Tests;

/// <summary>What one run, or many, was made of.</summary>
internal sealed record RunSummary
{
    public long SimulatedMilliseconds { get; init; }

    public int Elections { get; init; }

    public int Crashes { get; init; }

    public int DiskFaults { get; init; }

    public int Pauses { get; init; }

    /// <summary>Messages that never arrived.</summary>
    public long Lost { get; init; }

    /// <summary>Messages that arrived after one that was sent later on the same link.</summary>
    public long Reordered { get; init; }

    /// <summary>Messages that arrived twice.</summary>
    public long Repeated { get; init; }

    /// <summary>Changes of members.</summary>
    public int Changes { get; init; }

    /// <summary>Answered requests of clients.</summary>
    public long Requests { get; init; }

    /// <summary>Events that watchers were told of.</summary>
    public long Events { get; init; }

    /// <summary>Leases that ended.</summary>
    public int Leases { get; init; }

    public static RunSummary operator +(RunSummary left, RunSummary right) => new()
    {
        SimulatedMilliseconds = left.SimulatedMilliseconds + right.SimulatedMilliseconds,
        Elections = left.Elections + right.Elections,
        Crashes = left.Crashes + right.Crashes,
        DiskFaults = left.DiskFaults + right.DiskFaults,
        Pauses = left.Pauses + right.Pauses,
        Lost = left.Lost + right.Lost,
        Reordered = left.Reordered + right.Reordered,
        Repeated = left.Repeated + right.Repeated,
        Changes = left.Changes + right.Changes,
        Requests = left.Requests + right.Requests,
        Events = left.Events + right.Events,
        Leases = left.Leases + right.Leases,
    };

    public override string ToString() =>
        $"{SimulatedMilliseconds / 3_600_000.0:F2} simulated hours: {Elections} elections, {Crashes} crashes, {Pauses} pauses, "
        + $"{DiskFaults} disk faults, {Lost} messages lost, {Reordered} reordered, {Repeated} repeated, {Changes} changes of members, "
        + $"{Requests} requests answered, {Events} events watched, {Leases} leases ended";
}
