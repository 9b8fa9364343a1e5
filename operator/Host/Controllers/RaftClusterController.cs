using k8s.Models;
using KubeOps.Abstractions.Rbac;
using KubeOps.Abstractions.Reconciliation;
using KubeOps.Abstractions.Reconciliation.Controller;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Controllers;

/// <summary>One turn: look, decide, say what was seen, carry out one step. What is decided, and why, is in operator/Planning.</summary>
[EntityRbac(typeof(RaftCluster), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Patch)]
[GenericRbac(Groups = [RaftCluster.Group], Resources = ["raftclusters/status"], Verbs = RbacVerb.Patch)]
[GenericRbac(Groups = [RaftCluster.Group], Resources = ["raftclusters/finalizers"], Verbs = RbacVerb.Update)]
[EntityRbac(typeof(V1StatefulSet), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Create | RbacVerb.Patch | RbacVerb.Delete)]
[EntityRbac(
    typeof(V1Service), typeof(V1ServiceAccount), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Create | RbacVerb.Patch)]
[EntityRbac(
    typeof(V1PodDisruptionBudget),
    Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Create | RbacVerb.Patch | RbacVerb.Delete)]
[EntityRbac(typeof(V1Secret), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Create | RbacVerb.Update)]
[EntityRbac(typeof(V1Pod), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Delete)]
[EntityRbac(typeof(V1PersistentVolumeClaim), Verbs = RbacVerb.Get | RbacVerb.List | RbacVerb.Watch | RbacVerb.Patch | RbacVerb.Delete)]
[EntityRbac(typeof(V1Node), typeof(V1StorageClass), Verbs = RbacVerb.Get)]
[EntityRbac(typeof(Corev1Event), Verbs = RbacVerb.Get | RbacVerb.Create | RbacVerb.Patch)]
public sealed class RaftClusterController(
    IClusterObserver observer,
    IStepExecutor executor,
    IStatusWriter status,
    VolumeGuard guard,
    ClusterEvents events,
    TimeProvider time,
    ILogger<RaftClusterController> logger) : IEntityController<RaftCluster>
{
    /// <inheritdoc/>
    public async Task<ReconciliationResult<RaftCluster>> ReconcileAsync(RaftCluster entity, CancellationToken cancellationToken)
    {
        var observation = await observer.ObserveAsync(entity, cancellationToken);
        var plan = Planner.Plan(new DesiredState(entity), observation, time.GetUtcNow());
        // The guard writes on top of what was read, so that it comes before the status, which changes with every applied entry.
        await guard.FollowAsync(entity, plan, cancellationToken);
        if (await status.WriteAsync(entity, plan.Status, cancellationToken)) await events.ChangedAsync(entity, plan, cancellationToken);
        if (!plan.Step.Changes) return ReconciliationResult<RaftCluster>.Success(entity, plan.RequeueAfter);

        var outcome = await executor.ExecuteAsync(entity, plan.Step, cancellationToken);
        await events.StepAsync(entity, plan, outcome, cancellationToken);
        if (!outcome.Succeeded) return ReconciliationResult<RaftCluster>.Failure(entity, $"{plan.Rule}: {outcome.Problem}");
        logger.LogInformation(
            "{Namespace}/{Cluster} {Rule}: {Step}, because {Reason}",
            entity.Metadata.NamespaceProperty, entity.Metadata.Name, plan.Rule, plan.Step.GetType().Name, plan.Step.Reason);
        return ReconciliationResult<RaftCluster>.Success(entity, plan.RequeueAfter);
    }

    /// <summary>Nothing is left to do: Kubernetes deletes what the cluster owned.</summary>
    public Task<ReconciliationResult<RaftCluster>> DeletedAsync(RaftCluster entity, CancellationToken cancellationToken)
    {
        logger.LogInformation("{Namespace}/{Cluster} is gone", entity.Metadata.NamespaceProperty, entity.Metadata.Name);
        return Task.FromResult(ReconciliationResult<RaftCluster>.Success(entity));
    }
}
