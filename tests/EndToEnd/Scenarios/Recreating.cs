using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>A RaftCluster is deleted, and another is created under its name.</summary>
public sealed class Recreating(EndToEndEnvironment environment)
{
    [Fact]
    public async Task The_second_cluster_of_a_name_is_a_new_one_and_inherits_nothing()
    {
        var cluster = new RaftClusterUnderTest(environment, "again");
        try
        {
            await cluster.CreateAsync(3);
            (await WriteAsync(cluster, "create, to be deleted")).LostNothing().FailedNoWrite();
            var first = await ClusterIdAsync(cluster);
            await cluster.DeleteAsync();

            await cluster.CreateAsync(3);
            Assert.NotEqual(first, await ClusterIdAsync(cluster));
            (await WriteAsync(cluster, "create again under the same name")).LostNothing().FailedNoWrite();
        }
        finally
        {
            await cluster.DeleteAsync();
        }
    }

    private static Task<Workload.ScenarioOutcome> WriteAsync(RaftClusterUnderTest cluster, string scenario) =>
        cluster.UnderLoadAsync(scenario, client => client.AcknowledgedAsync(200, TimeSpan.FromMinutes(1)), () => cluster.SettledAsync(3));

    private static async Task<string?> ClusterIdAsync(RaftClusterUnderTest cluster) =>
        (string?)(await cluster.ResourceAsync())["status"]!["clusterId"];
}
