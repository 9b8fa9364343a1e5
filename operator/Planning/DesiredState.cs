using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Planning;

/// <summary>What a RaftCluster asks for, worked out once: the objects to be and the problems with its spec.</summary>
/// <remarks>Objects are built when first asked for: those of a spec with <see cref="Problems"/> cannot be.</remarks>
public sealed class DesiredState(RaftCluster cluster)
{
    private readonly Lazy<V1PodTemplateSpec> _template = new(() => PodTemplateBuilder.Build(cluster));
    private readonly Lazy<V1ServiceAccount> _account = new(() => ObjectBuilder.ServiceAccount(cluster));
    private readonly Lazy<V1Service> _peers = new(() => ObjectBuilder.PeerService(cluster));
    private readonly Lazy<V1Service> _client = new(() => ObjectBuilder.ClientService(cluster));
    private readonly Lazy<ResourceQuantity> _storageSize = new(() => new(cluster.Spec.Storage.Size));
    private readonly Lazy<IReadOnlyList<string>> _problems = new(() => SpecProblems.Find(cluster));

    /// <summary>The resource.</summary>
    public RaftCluster Cluster => cluster;

    /// <summary>How its objects are called.</summary>
    public ClusterNames Names { get; } = ClusterNames.Of(cluster);

    /// <summary>Number of members asked for.</summary>
    public int Replicas => cluster.Spec.Replicas;

    /// <summary>UID of the resource.</summary>
    public string Uid => cluster.Metadata.Uid;

    /// <summary>Size of each volume.</summary>
    public ResourceQuantity StorageSize => _storageSize.Value;

    /// <summary>What makes no sense in the spec by itself; empty if nothing.</summary>
    public IReadOnlyList<string> Problems => _problems.Value;

    /// <summary>Template of the pods, with its hash.</summary>
    public V1PodTemplateSpec Template => _template.Value;

    /// <summary>Account of the pods.</summary>
    public V1ServiceAccount ServiceAccount => _account.Value;

    /// <summary>Service that names the pods.</summary>
    public V1Service PeerService => _peers.Value;

    /// <summary>Service for clients.</summary>
    public V1Service ClientService => _client.Value;

    /// <summary>The StatefulSet with this many pods, this template and this size in its claim template.</summary>
    public V1StatefulSet StatefulSet(int replicas, V1PodTemplateSpec template, ResourceQuantity claimSize) =>
        StatefulSetBuilder.Build(cluster, template, replicas, claimSize);

    /// <summary>The budget of evictions.</summary>
    public V1PodDisruptionBudget DisruptionBudget(int maxUnavailable, bool policyV1) =>
        ObjectBuilder.DisruptionBudget(cluster, maxUnavailable, policyV1);
}
