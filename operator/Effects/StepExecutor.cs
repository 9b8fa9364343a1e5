using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Effects.Certificates;
using Raft.Operator.Effects.Kubernetes;
using Raft.Operator.Effects.Members;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Effects;

/// <summary>Carries out one step: thin, and safe to repeat. What destroys is read live first and bound to a UID.</summary>
public sealed class StepExecutor(
    IKubernetesClient kubernetes, Applier applier, IdentityLatch latch, CertificateIssuer certificates, MembershipExecutor membership) : IStepExecutor
{
    /// <inheritdoc/>
    public async Task<StepOutcome> ExecuteAsync(RaftCluster cluster, Step step, CancellationToken cancellationToken)
    {
        try
        {
            await CarryOutAsync(cluster, step, cancellationToken).ConfigureAwait(false);
            return StepOutcome.Done;
        }
        catch (StepRefusedException refused)
        {
            return new StepOutcome(refused.Message);
        }
        catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
        {
            // Whether a request that got no answer was carried out is not known: the next look will see.
            return new StepOutcome($"{failure.StatusCode}: {failure.Status.Detail}");
        }
        catch (HttpOperationException failure)
        {
            return new StepOutcome($"Kubernetes answered {(int)failure.Response.StatusCode}: {Message(failure)}");
        }
    }

    private Task CarryOutAsync(RaftCluster cluster, Step step, CancellationToken cancellationToken)
    {
        var space = cluster.Metadata.NamespaceProperty;
        return step switch
        {
            Step.CreateOrUpdateObject apply => applier.ApplyAsync(apply.Target, cancellationToken),
            Step.DeleteDisruptionBudget budget => GoneAsync(kubernetes.ApiClient.CustomObjects.DeleteNamespacedCustomObjectAsync(
                "policy", budget.PolicyV1 ? "v1" : "v1beta1", space, "poddisruptionbudgets", budget.Name, Delete(budget.Uid),
                cancellationToken: cancellationToken)),
            Step.RecreateStatefulSet recreate => GoneAsync(kubernetes.ApiClient.AppsV1.DeleteNamespacedStatefulSetAsync(
                recreate.Name, space, Delete(recreate.Uid, propagation: "Orphan"), cancellationToken: cancellationToken)),
            Step.ScaleStatefulSet scale => ScaleAsync(cluster, scale, cancellationToken),
            Step.LatchClusterIdentity identity => latch.LatchIdentityAsync(cluster, identity, cancellationToken),
            Step.LatchBootstrapped bootstrapped => latch.LatchBootstrappedAsync(cluster, bootstrapped, cancellationToken),
            Step.InitializeMember initialize => InitializeAsync(cluster, initialize, cancellationToken),
            Step.AddLearner add => AddLearnerAsync(cluster, add, cancellationToken),
            Step.PromoteLearner promote => membership.PromoteAsync(cluster, promote, cancellationToken),
            Step.RemoveMember remove => membership.RemoveAsync(cluster, remove, cancellationToken),
            Step.MoveLeader move => membership.MoveLeaderAsync(cluster, move, cancellationToken),
            Step.DeletePod pod => GoneAsync(kubernetes.ApiClient.CoreV1.DeleteNamespacedPodAsync(
                pod.Name, space, Delete(pod.Uid, graceSeconds: pod.Force ? 0 : null), cancellationToken: cancellationToken)),
            Step.ResizeVolume resize => applier.MergeAsync<V1PersistentVolumeClaim>(
                resize.Name, space, resize.Uid, Spec("resources", Child("requests", Child("storage", resize.Size.ToString()))), cancellationToken),
            Step.DeleteVolumeClaim claim => DeleteClaimAsync(cluster, claim, cancellationToken),
            Step.AdoptVolumeClaim adopt => applier.ApplyAsync(AdoptedClaim(cluster, adopt), cancellationToken),
            Step.IssueCertificates issue => certificates.CarryOutAsync(cluster, issue.Task, cancellationToken),
            Step.Wait or Step.Nothing => Task.CompletedTask,
            _ => throw new ArgumentException($"unknown step {step.GetType().Name}", nameof(step)),
        };
    }

    /// <summary>Taking pods away is safe only if no member is listed for them, now and not when the plan was made.</summary>
    private async Task ScaleAsync(RaftCluster cluster, Step.ScaleStatefulSet scale, CancellationToken cancellationToken)
    {
        if (cluster.Status?.Bootstrapped == true)
        {
            var names = ClusterNames.Of(cluster);
            var live = await kubernetes.ApiClient.AppsV1.ReadNamespacedStatefulSetAsync(
                scale.Name, names.Namespace, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (live.Spec.Replicas > scale.Replicas)
                foreach (var record in await membership.ListAsync(cluster, cancellationToken).ConfigureAwait(false))
                    if (record.PeerUrls.Any(url => names.PeerUrlOrdinal(url) >= scale.Replicas))
                        throw new StepRefusedException($"member {record.Id} is still listed: its pod must stay");
        }
        await applier.MergeAsync<V1StatefulSet>(
            scale.Name, cluster.Metadata.NamespaceProperty, scale.Uid, Spec("replicas", scale.Replicas), cancellationToken).ConfigureAwait(false);
    }

    private async Task AddLearnerAsync(RaftCluster cluster, Step.AddLearner step, CancellationToken cancellationToken)
    {
        await applier.MergeAsync<V1PersistentVolumeClaim>(
            step.Claim, cluster.Metadata.NamespaceProperty, step.ClaimUid, Child("metadata", Child("annotations", Child(Labels.Joining, "true"))),
            cancellationToken).ConfigureAwait(false);
        await membership.AddLearnerAsync(cluster, step, cancellationToken).ConfigureAwait(false);
    }

    private async Task InitializeAsync(RaftCluster cluster, Step.InitializeMember step, CancellationToken cancellationToken)
    {
        var live = await latch.ReadAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (live.Status?.ClusterId != step.ClusterId.ToString()) throw new StepRefusedException("another cluster identity is latched");
        if (step.FormNewCluster && (live.Status.Bootstrapped == true || live.Status.FirstMemberId != step.MemberId.ToString()))
            throw new StepRefusedException("the cluster exists already: no member may form it again");
        var pod = await kubernetes.ApiClient.CoreV1.ReadNamespacedPodAsync(
            step.Pod, cluster.Metadata.NamespaceProperty, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (pod.Metadata.Uid != step.PodUid) throw new StepRefusedException($"pod {step.Pod} is another one by now");
        if (pod.Status?.PodIP is not { } address) throw new StepRefusedException($"pod {step.Pod} has no address");

        // The claim says whose data it holds before there is any: a volume without this note is known to be blank.
        await applier.MergeAsync<V1PersistentVolumeClaim>(
            step.Claim, cluster.Metadata.NamespaceProperty, step.ClaimUid,
            Child("metadata", Child("annotations", Child(Labels.MemberId, step.MemberId.ToString()))), cancellationToken).ConfigureAwait(false);
        await membership.InitializeAsync(live, step, address, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A claim that holds the data of a listed member is never deleted, whatever was planned.</summary>
    private async Task DeleteClaimAsync(RaftCluster cluster, Step.DeleteVolumeClaim step, CancellationToken cancellationToken)
    {
        var claim = await kubernetes.ApiClient.CoreV1.ReadNamespacedPersistentVolumeClaimAsync(
            step.Name, cluster.Metadata.NamespaceProperty, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (claim.Metadata.Uid != step.Uid) return;
        if (MemberId.Parse(claim.GetAnnotation(Labels.MemberId)) is { } holder)
            foreach (var record in await membership.ListAsync(cluster, cancellationToken).ConfigureAwait(false))
                if (record.Id == holder)
                    throw new StepRefusedException($"{step.Name} holds the data of member {holder}, which is listed");
        await GoneAsync(kubernetes.ApiClient.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync(
            step.Name, cluster.Metadata.NamespaceProperty, Delete(step.Uid), cancellationToken: cancellationToken)).ConfigureAwait(false);
    }

    private static V1PersistentVolumeClaim AdoptedClaim(RaftCluster cluster, Step.AdoptVolumeClaim adopt) => new()
    {
        ApiVersion = "v1",
        Kind = "PersistentVolumeClaim",
        Metadata = new V1ObjectMeta
        {
            Name = adopt.Name,
            NamespaceProperty = cluster.Metadata.NamespaceProperty,
            Uid = adopt.Uid,
            Labels = Labels.All(cluster),
            OwnerReferences = adopt.Owned ? [ObjectBuilder.Owner(cluster, controller: false)] : null,
        },
    };

    private static JsonObject Child(string name, JsonNode value) => new() { [name] = value };

    private static JsonObject Spec(string name, JsonNode value) => Child("spec", Child(name, value));

    private static V1DeleteOptions Delete(string uid, string? propagation = null, long? graceSeconds = null) => new()
    {
        Preconditions = new V1Preconditions { Uid = uid },
        PropagationPolicy = propagation,
        GracePeriodSeconds = graceSeconds,
    };

    /// <summary>What is gone already, or has been replaced by another one, need not be deleted.</summary>
    private static async Task GoneAsync(Task deletion)
    {
        try
        {
            await deletion.ConfigureAwait(false);
        }
        catch (HttpOperationException failure) when (failure.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
        }
    }

    private static string Message(HttpOperationException failure)
    {
        try
        {
            return KubernetesJson.Deserialize<V1Status>(failure.Response.Content).Message;
        }
        catch (Exception notStatus) when (notStatus is System.Text.Json.JsonException or ArgumentNullException)
        {
            return failure.Message;
        }
    }
}
