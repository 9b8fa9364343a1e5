using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;

namespace Raft.Operator.Effects.Kubernetes;

/// <summary>
/// Writes the derived status by server-side apply. The latch is not in what it writes and belongs to another field manager, so
/// that a status derived from an old copy of the resource can never take it away.
/// </summary>
public sealed class StatusWriter(IKubernetesClient kubernetes) : IStatusWriter
{
    /// <summary>Owner of the derived fields.</summary>
    public const string FieldManager = "raft-operator-status";

    /// <inheritdoc/>
    public async Task<bool> WriteAsync(RaftCluster cluster, RaftClusterStatus status, CancellationToken cancellationToken)
    {
        var derived = Derived(status);
        if (cluster.Status is { } last && JsonNode.DeepEquals(Derived(last), derived)) return false;
        var patch = new JsonObject
        {
            ["apiVersion"] = cluster.ApiVersion,
            ["kind"] = cluster.Kind,
            ["metadata"] = new JsonObject
            {
                ["name"] = cluster.Metadata.Name,
                ["namespace"] = cluster.Metadata.NamespaceProperty,
                ["uid"] = cluster.Metadata.Uid,
            },
            ["status"] = derived,
        };
        await kubernetes.ApiClient.CustomObjects.PatchNamespacedCustomObjectStatusAsync<RaftCluster>(
            new V1Patch(patch.ToJsonString(), V1Patch.PatchType.ApplyPatch), RaftCluster.Group, RaftCluster.Version,
            cluster.Metadata.NamespaceProperty, RaftCluster.Plural, cluster.Metadata.Name,
            fieldManager: FieldManager, force: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static JsonObject Derived(RaftClusterStatus status)
    {
        var json = JsonNode.Parse(KubernetesJson.Serialize(status))!.AsObject();
        foreach (var latched in new[] { "clusterId", "firstMemberId", "bootstrapped" }) json.Remove(latched);
        return json;
    }
}
