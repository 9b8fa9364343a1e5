using k8s.Models;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Objects;

/// <summary>
/// The StatefulSet: pods with stable names and volumes. All start at once, and none is replaced by Kubernetes itself (OnDelete):
/// which pod is next is the planner's to decide, because only it knows who leads.
/// </summary>
public static class StatefulSetBuilder
{
    /// <summary>Builds the StatefulSet with this many pods. Only fields that Kubernetes 1.20 knows: it refuses to apply others.</summary>
    public static V1StatefulSet Build(RaftCluster cluster, V1PodTemplateSpec template, int replicas, ResourceQuantity claimSize)
    {
        var names = ClusterNames.Of(cluster);
        return new V1StatefulSet
        {
            ApiVersion = "apps/v1",
            Kind = "StatefulSet",
            Metadata = ObjectBuilder.Metadata(cluster, names.StatefulSet),
            Spec = new V1StatefulSetSpec
            {
                Replicas = replicas,
                ServiceName = names.PeerService,
                PodManagementPolicy = "Parallel",
                UpdateStrategy = new V1StatefulSetUpdateStrategy { Type = "OnDelete" },
                Selector = new V1LabelSelector { MatchLabels = Labels.Selector(names) },
                Template = template,
                VolumeClaimTemplates = [ClaimTemplate(cluster, claimSize)],
            },
        };
    }

    /// <summary>Size in the claim template of an existing StatefulSet, which cannot be changed in place.</summary>
    public static ResourceQuantity? ClaimSize(V1StatefulSet statefulSet) =>
        Claim(statefulSet)?.Spec?.Resources?.Requests?.TryGetValue("storage", out var size) == true ? size : null;

    /// <summary>Storage class in the claim template of an existing StatefulSet.</summary>
    public static string? StorageClass(V1StatefulSet statefulSet) => Claim(statefulSet)?.Spec?.StorageClassName;

    private static V1PersistentVolumeClaim? Claim(V1StatefulSet statefulSet) =>
        statefulSet.Spec?.VolumeClaimTemplates?.FirstOrDefault(claim => claim.Metadata?.Name == ClusterNames.ClaimTemplate);

    private static V1PersistentVolumeClaim ClaimTemplate(RaftCluster cluster, ResourceQuantity size) => new()
    {
        ApiVersion = "v1",
        Kind = "PersistentVolumeClaim",
        Metadata = new V1ObjectMeta { Name = ClusterNames.ClaimTemplate, Labels = Labels.All(cluster) },
        Spec = new V1PersistentVolumeClaimSpec
        {
            AccessModes = ["ReadWriteOnce"],
            StorageClassName = cluster.Spec.Storage.StorageClassName,
            Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = size } },
        },
    };
}
