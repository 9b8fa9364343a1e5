using Raft.EndToEnd.Tests.Environment;
using Raft.EndToEnd.Tests.Workload;

[assembly: AssemblyFixture(typeof(EndToEndEnvironment))]
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>
/// What all scenarios share: the Kubernetes that `make e2e` started, the operator installed in it by Helm, a namespace for
/// the RaftClusters, and the table. `make e2e` sets the RAFT_E2E variables; nothing here can run without them.
/// </summary>
public sealed class EndToEndEnvironment : IAsyncLifetime
{
    /// <summary>The namespace of every RaftCluster of these tests.</summary>
    internal const string Namespace = "raft-e2e";

    private readonly string _repository = Variable("RAFT_E2E_REPOSITORY");

    /// <summary>The tags of the two images that are upgraded from and to.</summary>
    internal string FirstTag { get; } = Variable("RAFT_E2E_TAG");

    internal string SecondTag { get; } = Variable("RAFT_E2E_SECOND_TAG");

    /// <summary>Where images are named: localhost where they are loaded onto the nodes, else a registry.</summary>
    internal string Registry { get; } = Variable("RAFT_E2E_REGISTRY");

    internal string Artifacts => Path.Combine(_repository, "artifacts/e2e");

    internal KubernetesAccess Kubernetes { get; private set; } = null!;

    internal OperatorRelease Operator { get; private set; } = null!;

    internal ScenarioTable Table { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Kubernetes = new KubernetesAccess(_repository, await new Machine(_repository).WhichAsync());
        Operator = new OperatorRelease(Kubernetes, Registry, FirstTag);
        Table = new ScenarioTable(Artifacts);
        if (!(await Kubernetes.KubectlAsync("get", "namespaces", "-o", "name")).Split('\n').Contains($"namespace/{Namespace}"))
            await Kubernetes.KubectlAsync("create", "namespace", Namespace);
        await Operator.InstallAsync();
    }

    public ValueTask DisposeAsync()
    {
        Kubernetes?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Variable(string name) =>
        System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException($"{name} is not set; these tests are started by `make e2e`");
}
