using Raft.Robustness.Tests.Testbed;

namespace Raft.Robustness.Tests;

/// <summary>Every fault once, under clients whose histories are checked; two minutes. Longer runs are for the command line: <c>run.sh</c>.</summary>
public sealed class RobustnessTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Clients_see_one_store_whatever_happens_to_its_members()
    {
        var obstacle = await Requirements.WhyNotAsync();
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        var seed = Random.Shared.Next();

        var totals = await RobustnessCommand.RunAsync(seed, (run, schedule) => run.RoundsAsync(schedule.EachOnce()), output.WriteLine);

        Assert.Empty(totals.Undecided);
    }
}
