using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Raft.Operator.Api;
using Raft.Operator.Host.Options;
using Raft.Operator.Host.Tests.Kubernetes;

namespace Raft.Operator.Host.Tests;

/// <summary>The operator as its image runs it, in this process, for one namespace.</summary>
internal sealed class RunningOperator : IAsyncDisposable
{
    private readonly WebApplication _application;

    private RunningOperator(WebApplication application) => _application = application;

    public IServiceProvider Services => _application.Services;

    public static async Task<RunningOperator> StartAsync(
        ApiServer server, string? @namespace, string identity = "test", string? leaseNamespace = null, bool leaderElection = false)
    {
        var application = OperatorHost.Build(
            new OperatorOptions
            {
                Namespace = @namespace,
                LeaderElection = leaderElection,
                LeaseNamespace = leaseNamespace ?? ApiServer.OperatorNamespace,
                Identity = identity,
                Listen = new Uri("http://127.0.0.1:0"),
                LogLevel = Microsoft.Extensions.Logging.LogLevel.Warning,
            },
            server.NewOperatorClient());
        await application.StartAsync();
        return new RunningOperator(application);
    }

    public async Task StopAsync() => await _application.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }
}

/// <summary>RaftClusters as a user makes and reads them.</summary>
internal sealed class Clusters(ApiServer server, string @namespace)
{
    public Task<RaftCluster> CreateAsync(string name, Action<RaftClusterSpec>? with = null)
    {
        var cluster = new RaftCluster { Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = @namespace } };
        cluster.Spec.Version = "v1";
        with?.Invoke(cluster.Spec);
        return server.Admin.CustomObjects.CreateNamespacedCustomObjectAsync<RaftCluster>(
            cluster, RaftCluster.Group, RaftCluster.Version, @namespace, RaftCluster.Plural);
    }

    public Task<RaftCluster> GetAsync(string name) => server.Admin.CustomObjects.GetNamespacedCustomObjectAsync<RaftCluster>(
        RaftCluster.Group, RaftCluster.Version, @namespace, RaftCluster.Plural, name);

    public Task<RaftCluster> PatchAsync(string name, string patch) => server.Admin.CustomObjects.PatchNamespacedCustomObjectAsync<RaftCluster>(
        new V1Patch(patch, V1Patch.PatchType.MergePatch), RaftCluster.Group, RaftCluster.Version, @namespace, RaftCluster.Plural, name);

    public Task DeleteAsync(string name) => server.Admin.CustomObjects.DeleteNamespacedCustomObjectAsync(
        RaftCluster.Group, RaftCluster.Version, @namespace, RaftCluster.Plural, name);

    public static string? Condition(RaftCluster cluster, string type) =>
        cluster.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type)?.Status;
}
