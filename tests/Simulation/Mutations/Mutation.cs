namespace Raft.Simulation.Tests.Mutations;

/// <summary>A rule broken on purpose, to prove that the simulator would notice.</summary>
internal sealed record Mutation(string Name, Parts Parts)
{
    /// <summary>All of them; a few hundred seeds notice each.</summary>
    public static IReadOnlyList<Mutation> Catalogue { get; } = [.. CoreMutations.All, .. LogMutations.All, .. StateMutations.All, .. WayMutations.All, .. LeaseMutations.All];

    /// <summary>Runs seeds until one notices.</summary>
    /// <returns>The seed and what it said; null if none did.</returns>
    public (ulong Seed, string? CaughtBy) Hunt(ulong from, int seeds)
    {
        for (var seed = from; seed < from + (ulong)seeds; seed++)
        {
            var failure = SimulatorCommand.Failure(() => new Simulator(seed, Parts).Run());
            if (failure is not null)
                return (seed, failure.Split('\n')[0]);
        }

        return (0, null);
    }
}
