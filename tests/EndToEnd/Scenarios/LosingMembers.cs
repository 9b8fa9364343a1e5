using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>Processes, pods and volumes are lost, the leader's and the first member's included.</summary>
public sealed class LosingMembers(RunningCluster running) : IClassFixture<RunningCluster>
{
    private readonly RaftClusterUnderTest _cluster = running.Cluster;

    [Fact]
    public async Task Killing_the_leader_stops_writes_for_less_than_three_election_timeouts()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "kill -9 the leader",
            async client =>
            {
                var leader = await _cluster.Membership.LeaderAsync();
                await running.Environment.Kubernetes.Machine.KillAsync(EndToEndEnvironment.Namespace, leader.Name);
                await client.AcknowledgedAsync(100, TimeSpan.FromMinutes(1));
            },
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite().StoppedWritingLessThan(3 * RaftClusterUnderTest.ElectionTimeout);
    }

    [Fact]
    public async Task Deleting_the_leaders_pod_hands_leadership_over()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "delete the leader's pod",
            async _ =>
            {
                var leader = await _cluster.Membership.LeaderAsync();
                await _cluster.KubectlAsync("delete", "pod", leader.Name);
            },
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1).StoppedWritingLessThan(3 * RaftClusterUnderTest.ElectionTimeout);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_member_that_lost_its_volume_comes_back_as_a_new_one_and_no_second_cluster_forms(int ordinal)
    {
        var clusterId = (string?)(await _cluster.ResourceAsync())["status"]!["clusterId"];
        var pod = $"{_cluster.Name}-{ordinal}";
        var outcome = await _cluster.UnderLoadAsync(
            $"delete pod and volume of member {ordinal}",
            async _ =>
            {
                await _cluster.KubectlAsync("delete", "pvc", $"data-{pod}", "--wait=false");
                await _cluster.KubectlAsync("delete", "pod", pod);
            },
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite();
        Assert.Equal(clusterId, (string?)(await _cluster.ResourceAsync())["status"]!["clusterId"]);
    }
}
