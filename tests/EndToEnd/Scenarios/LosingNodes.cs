using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>Nodes are emptied politely, and die.</summary>
public sealed class LosingNodes(RunningCluster running) : IClassFixture<RunningCluster>
{
    private readonly RaftClusterUnderTest _cluster = running.Cluster;
    private readonly KubernetesAccess _kubernetes = running.Environment.Kubernetes;

    [Fact]
    public async Task Draining_the_leaders_node_is_neither_refused_nor_felt()
    {
        var node = await LeadersNodeAsync();
        try
        {
            var outcome = await _cluster.UnderLoadAsync(
                "drain the leader's node",
                async _ =>
                {
                    await _kubernetes.KubectlAsync(
                        "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", $"--pod-selector=raft.io/cluster={_cluster.Name}", "--timeout=150s");
                    await _kubernetes.KubectlAsync("uncordon", node);
                },
                () => _cluster.SettledAsync(3));
            outcome.LostNothing().FailedNoWrite().StoppedWritingLessThan(3 * RaftClusterUnderTest.ElectionTimeout);
        }
        finally
        {
            await _kubernetes.KubectlAsync("uncordon", node);
        }
    }

    [Fact]
    public async Task A_node_that_dies_takes_one_member_with_it_and_gives_it_back()
    {
        await OneMemberOnEachNodeAsync();
        var node = await LeadersNodeAsync();
        try
        {
            var outcome = await _cluster.UnderLoadAsync(
                "stop the leader's node",
                async client =>
                {
                    await _kubernetes.Machine.StopNodeAsync(node);
                    await client.AcknowledgedAsync(500, TimeSpan.FromMinutes(1));
                    await NodeIsReadyAsync(node, "Unknown");
                    await client.AcknowledgedAsync(500, TimeSpan.FromMinutes(1));
                    await _kubernetes.Machine.StartNodeAsync(node);
                    await NodeIsReadyAsync(node, "True");
                },
                () => _cluster.SettledAsync(3));
            outcome.LostNothing().FailedNoWrite();
        }
        finally
        {
            await _kubernetes.Machine.StartNodeAsync(node);
        }
    }

    /// <summary>A drained node stays empty until its members come back to it, one by one, as an administrator would have them do.</summary>
    private async Task OneMemberOnEachNodeAsync()
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var pods = await _cluster.Membership.PodsAsync();
            if (pods.GroupBy(pod => pod.Spec.NodeName).FirstOrDefault(node => node.Count() > 1) is not { } crowded)
                return;
            await _cluster.KubectlAsync("delete", "pod", crowded.Last().Metadata.Name);
            await _cluster.SettledAsync(3);
        }

        Assert.Fail("the members do not spread over the nodes");
    }

    private async Task<string> LeadersNodeAsync() =>
        await _cluster.Membership.NodeOfAsync((await _cluster.Membership.LeaderAsync()).Name);

    private Task NodeIsReadyAsync(string node, string status) =>
        Until.NothingIsMissingAsync($"{node} with Ready={status}", TimeSpan.FromMinutes(3), async _ =>
        {
            var conditions = (await _kubernetes.GetJsonAsync("node", node))["status"]!["conditions"]!.AsArray();
            var ready = (string?)conditions.First(condition => (string?)condition!["type"] == "Ready")!["status"];
            return ready == status ? null : $"it is {ready}";
        });
}
