using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Planning;

namespace Raft.Operator.Effects.Kubernetes;

/// <summary>
/// The latch in the status: read live, never from a cache, and written only on top of exactly what was read. Of two operators
/// that both believe to lead, one at most succeeds.
/// </summary>
public sealed class IdentityLatch(IKubernetesClient kubernetes)
{
    /// <summary>Owner of the latched fields.</summary>
    public const string FieldManager = "raft-operator-identity";

    /// <summary>The resource as the API server has it now.</summary>
    /// <exception cref="StepRefusedException">It is gone, or another one has its name.</exception>
    public async Task<RaftCluster> ReadAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        var live = await kubernetes.ApiClient.CustomObjects.GetNamespacedCustomObjectAsync<RaftCluster>(
            RaftCluster.Group, RaftCluster.Version, cluster.Metadata.NamespaceProperty, RaftCluster.Plural, cluster.Metadata.Name,
            cancellationToken).ConfigureAwait(false);
        return live.Metadata.Uid == cluster.Metadata.Uid
            ? live
            : throw new StepRefusedException($"RaftCluster {cluster.Metadata.Name} was deleted and created again");
    }

    /// <summary>Latches the identities of a cluster to be founded, if none are latched.</summary>
    public async Task LatchIdentityAsync(RaftCluster cluster, Step.LatchClusterIdentity step, CancellationToken cancellationToken)
    {
        var live = await ReadAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (live.Status?.ClusterId is { } latched) throw new StepRefusedException($"cluster {latched} is latched already");
        await WriteAsync(live, step.ClusterId, step.FirstMemberId, bootstrapped: null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Latches that the cluster exists.</summary>
    public async Task LatchBootstrappedAsync(RaftCluster cluster, Step.LatchBootstrapped step, CancellationToken cancellationToken)
    {
        var live = await ReadAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (live.Status?.ClusterId is { } latched && latched != step.ClusterId.ToString())
            throw new StepRefusedException($"cluster {latched} is latched, not {step.ClusterId}");
        if (live.Status?.Bootstrapped == true) return;
        await WriteAsync(live, step.ClusterId, step.FirstMemberId, bootstrapped: true, cancellationToken).ConfigureAwait(false);
    }

    private Task<RaftCluster> WriteAsync(RaftCluster live, ClusterId clusterId, MemberId firstMember, bool? bootstrapped, CancellationToken cancellationToken)
    {
        var status = new JsonObject { ["clusterId"] = clusterId.ToString(), ["firstMemberId"] = firstMember.ToString() };
        if (bootstrapped is { } value) status["bootstrapped"] = value;
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = live.Metadata.Uid, ["resourceVersion"] = live.Metadata.ResourceVersion },
            ["status"] = status,
        };
        return kubernetes.ApiClient.CustomObjects.PatchNamespacedCustomObjectStatusAsync<RaftCluster>(
            new V1Patch(patch.ToJsonString(), V1Patch.PatchType.MergePatch), RaftCluster.Group, RaftCluster.Version,
            live.Metadata.NamespaceProperty, RaftCluster.Plural, live.Metadata.Name, fieldManager: FieldManager, cancellationToken: cancellationToken);
    }
}
