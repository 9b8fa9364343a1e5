using Raft.Simulation.Tests.Mutations;

namespace Raft.Simulation.Tests;

/// <summary>A fixed number of seeds, few enough for every test run; the command line runs as many as one likes.</summary>
public class SimulationTests
{
    public static TheoryData<int> Batches => [.. Enumerable.Range(0, 10)];

    [Theory]
    [MemberData(nameof(Batches))]
    public void Every_seed_keeps_all_promises(int batch)
    {
        for (var seed = (ulong)batch * 20; seed < (ulong)(batch + 1) * 20; seed++)
        {
            var failure = SimulatorCommand.Failure(() => new Simulator(seed).Run());
            Assert.True(failure is null, $"seed {seed}: {failure}");
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_byte_for_byte()
    {
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var first = new Simulator(seed, keepsTrace: true);
            var second = new Simulator(seed, keepsTrace: true);

            first.Run();
            second.Run();

            Assert.Equal(first.Trace.Text, second.Trace.Text);
        }
    }

    [Fact]
    public void Different_seeds_give_different_runs()
    {
        var (first, second) = (new Simulator(1), new Simulator(2));

        first.Run();
        second.Run();

        Assert.NotEqual(first.Trace.Hash, second.Trace.Hash);
    }

    /// <summary>
    /// Nothing of a run depends on the machine, so the hashes of its events are known beforehand. Whoever changes what a run
    /// does changes them too, and writes down the new ones.
    /// </summary>
    [Theory]
    [InlineData(1, "eab14108c02d4794")]
    [InlineData(2, "368eabd34b868a5b")]
    public void A_seed_gives_the_same_run_on_every_machine(ulong seed, string hash)
    {
        var simulator = new Simulator(seed);

        simulator.Run();

        Assert.Equal(hash, simulator.Trace.Hash);
    }

    public static TheoryData<string> MutationNames => [.. Mutation.Catalogue.Select(mutation => mutation.Name)];

    [Theory]
    [MemberData(nameof(MutationNames))]
    public void A_rule_broken_on_purpose_is_noticed(string name)
    {
        var (_, caughtBy) = Mutation.Catalogue.Single(mutation => mutation.Name == name).Hunt(from: 1, seeds: 1_000);

        Assert.NotNull(caughtBy);
    }
}
