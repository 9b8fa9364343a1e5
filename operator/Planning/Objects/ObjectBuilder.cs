using k8s.Models;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Objects;

/// <summary>What every object of a cluster has in common, and the small ones of them.</summary>
public static class ObjectBuilder
{
    /// <summary>Name, labels and owner of an object of <paramref name="cluster"/>.</summary>
    public static V1ObjectMeta Metadata(RaftCluster cluster, string name, IDictionary<string, string>? annotations = null) => new()
    {
        Name = name,
        NamespaceProperty = cluster.Metadata.NamespaceProperty,
        Labels = Labels.All(cluster),
        Annotations = annotations is { Count: > 0 } ? new Dictionary<string, string>(annotations) : null,
        OwnerReferences = [Owner(cluster, controller: true)],
    };

    /// <summary>A reference through which Kubernetes deletes an object together with <paramref name="cluster"/>.</summary>
    public static V1OwnerReference Owner(RaftCluster cluster, bool controller) => new()
    {
        ApiVersion = $"{RaftCluster.Group}/{RaftCluster.Version}",
        Kind = RaftCluster.KindName,
        Name = cluster.Metadata.Name,
        Uid = cluster.Metadata.Uid,
        Controller = controller ? true : null,
    };

    /// <summary>The account of the pods. It has no rights: members never talk to Kubernetes.</summary>
    public static V1ServiceAccount ServiceAccount(RaftCluster cluster) => new()
    {
        ApiVersion = "v1",
        Kind = "ServiceAccount",
        Metadata = Metadata(cluster, cluster.Metadata.Name),
        AutomountServiceAccountToken = false,
    };

    /// <summary>Gives each pod a DNS name that resolves before the pod is ready: members need each other to become ready.</summary>
    public static V1Service PeerService(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        return new V1Service
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Metadata(cluster, names.PeerService),
            Spec = new V1ServiceSpec
            {
                ClusterIP = "None",
                PublishNotReadyAddresses = true,
                Selector = Labels.Selector(names),
                Ports =
                [
                    Port("client", ClusterNames.ClientPort), Port("peer", ClusterNames.PeerPort), Port("metrics", ClusterNames.MetricsPort),
                ],
            },
        };
    }

    /// <summary>Where clients go: the members that are ready.</summary>
    public static V1Service ClientService(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        var annotations = new Dictionary<string, string>(cluster.Spec.ClientService?.Annotations ?? new Dictionary<string, string>());
        annotations[Labels.GivenAnnotations] = string.Join(',', annotations.Keys.Order(StringComparer.Ordinal));
        return new V1Service
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Metadata(cluster, names.ClientService, annotations),
            Spec = new V1ServiceSpec
            {
                Type = cluster.Spec.ClientService?.Type ?? "ClusterIP",
                Selector = Labels.Selector(names),
                Ports = [Port("client", ClusterNames.ClientPort)],
            },
        };
    }

    /// <summary>How many pods may be evicted at once.</summary>
    public static V1PodDisruptionBudget DisruptionBudget(RaftCluster cluster, int maxUnavailable, bool policyV1) => new()
    {
        ApiVersion = policyV1 ? "policy/v1" : "policy/v1beta1",
        Kind = "PodDisruptionBudget",
        Metadata = Metadata(cluster, cluster.Metadata.Name),
        Spec = new V1PodDisruptionBudgetSpec
        {
            MaxUnavailable = maxUnavailable,
            Selector = new V1LabelSelector { MatchLabels = Labels.Selector(ClusterNames.Of(cluster)) },
        },
    };

    private static V1ServicePort Port(string name, int port) => new() { Name = name, Port = port, TargetPort = name, Protocol = "TCP" };
}
