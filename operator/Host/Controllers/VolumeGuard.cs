using KubeOps.Abstractions.Reconciliation.Finalizer;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Reconciliation;
using Raft.Operator.Api;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Controllers;

/// <summary>
/// Keeps <see cref="RaftClusterFinalizer"/> on a cluster only while it is needed: while volumes that are to be deleted with the
/// cluster may not be owned by it yet. A settled cluster carries no finalizer, so that it can be deleted whether or not an
/// operator is still there; Kubernetes follows the owner references by itself.
/// </summary>
public sealed class VolumeGuard(IKubernetesClient client, EntityFinalizerAttacher<RaftClusterFinalizer, RaftCluster> attach)
{
    /// <summary>Attaches or detaches the finalizer as the plan asks.</summary>
    public Task FollowAsync(RaftCluster cluster, Plan plan, CancellationToken cancellationToken)
    {
        var deletes = cluster.Spec.Storage.Retention.WhenDeleted == VolumeRetentionSpec.Delete;
        return (deletes, plan.Step) switch
        {
            (true, { Changes: true }) => attach(cluster, cancellationToken),
            (false, _) or (_, Step.Nothing) => FinalizerPatch.DetachAsync(client, cluster, RaftClusterFinalizer.Identifier, cancellationToken),
            _ => Task.CompletedTask,
        };
    }
}
