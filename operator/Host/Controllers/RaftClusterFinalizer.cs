using k8s.Autorest;
using k8s.Models;
using KubeOps.Abstractions.Reconciliation;
using KubeOps.Abstractions.Reconciliation.Finalizer;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Controllers;

/// <summary>
/// Makes the cluster the owner of its volume claims where they are to be deleted with it, so that none is left behind when it
/// is deleted in the middle of a change. It gives up after a while: a claim too many is better than a resource that hangs.
/// </summary>
public sealed class RaftClusterFinalizer(
    IKubernetesClient client, IStepExecutor executor, TimeProvider time, ILogger<RaftClusterFinalizer> logger) : IEntityFinalizer<RaftCluster>
{
    /// <summary>Its name in metadata.finalizers.</summary>
    public const string Identifier = "raft.io/volumes";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public async Task<ReconciliationResult<RaftCluster>> FinalizeAsync(RaftCluster entity, CancellationToken cancellationToken)
    {
        if (entity.Spec.Storage.Retention.WhenDeleted != VolumeRetentionSpec.Delete) return ReconciliationResult<RaftCluster>.Success(entity);
        if (await TryAdoptAsync(entity, cancellationToken) is not { } problem) return ReconciliationResult<RaftCluster>.Success(entity);
        if (time.GetUtcNow() - entity.Metadata.DeletionTimestamp < Patience) return ReconciliationResult<RaftCluster>.Failure(entity, problem);
        logger.LogError("Volume claims of {Cluster} may be left behind: {Problem}", entity.Metadata.Name, problem);
        return ReconciliationResult<RaftCluster>.Success(entity);
    }

    private async Task<string?> TryAdoptAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        try
        {
            return await AdoptAsync(cluster, cancellationToken);
        }
        catch (Exception failure) when (failure is HttpOperationException or HttpRequestException)
        {
            return failure.Message;
        }
    }

    /// <summary>Makes the cluster the owner of its claims; gives what kept one of them from it.</summary>
    private async Task<string?> AdoptAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        string? problem = null;
        var claims = await client.ListAsync<V1PersistentVolumeClaim>(
            cluster.Metadata.NamespaceProperty, $"{Labels.ClusterUid}={cluster.Metadata.Uid}", cancellationToken: cancellationToken);
        foreach (var claim in claims)
        {
            if (claim.Metadata.OwnerReferences?.Any(owner => owner.Uid == cluster.Metadata.Uid) == true) continue;
            var outcome = await executor.ExecuteAsync(
                cluster, new Step.AdoptVolumeClaim("the cluster is being deleted", claim.Metadata.Name, claim.Metadata.Uid, Owned: true), cancellationToken);
            problem ??= outcome.Problem;
        }

        return problem;
    }
}
