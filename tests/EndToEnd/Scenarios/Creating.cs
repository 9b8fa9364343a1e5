using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>A RaftCluster of every usual size becomes Available, and takes and keeps writes.</summary>
public sealed class Creating(EndToEndEnvironment environment)
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_new_cluster_becomes_available_and_keeps_what_it_acknowledges(int replicas)
    {
        var cluster = new RaftClusterUnderTest(environment, $"create-{replicas}");
        try
        {
            await cluster.CreateAsync(replicas);
            var outcome = await cluster.UnderLoadAsync(
                $"create with {replicas}",
                client => client.AcknowledgedAsync(400, TimeSpan.FromMinutes(1)),
                () => cluster.SettledAsync(replicas));
            outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(0);
        }
        finally
        {
            await cluster.DeleteAsync();
        }
    }
}
