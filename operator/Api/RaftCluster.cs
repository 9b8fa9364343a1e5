using k8s.Models;
using KubeOps.Abstractions.Entities;
using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>A Raft datastore: members that keep one replicated key-value store, run by the operator.</summary>
[KubernetesEntity(Group = Group, ApiVersion = Version, Kind = KindName, PluralName = Plural)]
[KubernetesEntityShortNames("raft")]
[ScaleSubresource(".spec.replicas", ".status.replicas", ".status.selector")]
[GenericAdditionalPrinterColumn(".status.readyReplicas", "Ready", "integer", Description = "Members that serve requests.")]
[GenericAdditionalPrinterColumn(".spec.replicas", "Desired", "integer", Description = "Members asked for.")]
[GenericAdditionalPrinterColumn(".status.phase", "Phase", "string", Description = "What the cluster is doing.")]
[GenericAdditionalPrinterColumn(".status.leader", "Leader", "string", Description = "The member that leads.")]
[GenericAdditionalPrinterColumn(".status.currentVersion", "Version", "string", Description = "Version that every member runs.")]
[GenericAdditionalPrinterColumn(
    ".status.conditions[?(@.type==\"Available\")].status", "Available", "string", Description = "Whether writes are possible.")]
[GenericAdditionalPrinterColumn(".metadata.creationTimestamp", "Age", "date")]
[GenericAdditionalPrinterColumn(
    ".status.conditions[?(@.type==\"Progressing\")].message", "Doing", "string", Priority = PrinterColumnPriority.WideView, Description = "The step in hand.")]
[GenericAdditionalPrinterColumn(".status.clusterId", "Cluster Id", "string", Priority = PrinterColumnPriority.WideView)]
[ValidationRule("size(self.metadata.name) <= 40", message: "the name may have at most 40 characters: pod and label names grow from it")]
public sealed class RaftCluster : CustomKubernetesEntity<RaftClusterSpec, RaftClusterStatus>
{
    public const string Group = "raft.io";
    public const string Version = "v1alpha1";
    public const string KindName = "RaftCluster";
    public const string Plural = "raftclusters";

    /// <summary>Names the resource type, as a deserialised or built object must carry it.</summary>
    public RaftCluster()
    {
        ApiVersion = $"{Group}/{Version}";
        Kind = KindName;
    }
}
