namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>`kubectl scale` in both directions, through the sizes at which a quorum has no margin.</summary>
public sealed class Scaling(RunningCluster running) : IClassFixture<RunningCluster>
{
    [Fact]
    public async Task Scaling_3_5_3_1_3_loses_nothing_and_never_stops_a_client_that_retries()
    {
        var size = 3;
        foreach (var next in (int[])[5, 3, 1, 3])
        {
            var outcome = await running.Cluster.UnderLoadAsync(
                $"scale {size} -> {next}",
                _ => running.Cluster.ScaleAsync(next),
                () => running.Cluster.SettledAsync(next));
            outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1);
            size = next;
        }
    }

    [Fact]
    public async Task Scaling_goes_on_where_it_was_when_the_operator_is_killed_in_the_middle()
    {
        var outcome = await running.Cluster.UnderLoadAsync(
            "kill the operator while scaling 3 -> 5 -> 3",
            async _ =>
            {
                await running.Cluster.ScaleAsync(5);
                await running.Environment.Operator.KillWhileAsync(running.Cluster.SettledAsync(5), times: 2, TimeSpan.FromSeconds(6));
                await running.Cluster.ScaleAsync(3);
                await running.Environment.Operator.KillWhileAsync(running.Cluster.SettledAsync(3), times: 2, TimeSpan.FromSeconds(3));
            },
            () => running.Cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite();
    }
}
