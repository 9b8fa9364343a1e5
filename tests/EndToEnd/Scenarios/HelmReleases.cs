using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>Both charts are installed, upgraded and uninstalled while a cluster serves.</summary>
public sealed class HelmReleases(RunningCluster running) : IClassFixture<RunningCluster>
{
    private readonly RaftClusterUnderTest _cluster = running.Cluster;
    private readonly EndToEndEnvironment _environment = running.Environment;

    [Fact]
    public async Task The_operator_is_upgraded_and_uninstalled_and_installed_again_without_a_client_noticing()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "helm upgrade, uninstall, install the operator",
            async client =>
            {
                await _environment.Operator.InstallAsync("replicas=2");
                await client.AcknowledgedAsync(100, TimeSpan.FromMinutes(1));
                await _environment.Operator.UninstallAsync();
                await client.AcknowledgedAsync(200, TimeSpan.FromMinutes(1));
                await _environment.Operator.InstallAsync();
            },
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(0);
    }

    [Fact]
    public async Task The_cluster_chart_creates_grows_and_deletes_a_cluster()
    {
        var cluster = new RaftClusterUnderTest(_environment, "charted");
        try
        {
            await ReleaseAsync("install", 1);
            await cluster.SettledAsync(1);
            var outcome = await cluster.UnderLoadAsync(
                "helm upgrade the cluster chart, 1 -> 3",
                _ => ReleaseAsync("upgrade", 3),
                () => cluster.SettledAsync(3));
            outcome.LostNothing().FailedNoWrite();
        }
        finally
        {
            await _environment.Kubernetes.HelmAsync("uninstall", "charted", "--namespace", EndToEndEnvironment.Namespace, "--wait", "--timeout", "3m");
            await cluster.DeleteAsync();
        }

        Task ReleaseAsync(string verb, int replicas) => _environment.Kubernetes.HelmAsync(
            verb, "charted", Path.Combine(_environment.Kubernetes.Repository, "charts/raft-cluster"),
            "--namespace", EndToEndEnvironment.Namespace, "--wait", "--timeout", "3m",
            "--set", $"replicas={replicas},image={_environment.Registry}/raft-datastore,version={_environment.FirstTag}",
            "--set", "storage.size=1Gi,storage.retention.whenDeleted=Delete,resources.requests.cpu=10m,resources.requests.memory=64Mi");
    }
}
