using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Effects.Certificates;
using Raft.Operator.Effects.Members;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Effects.Kubernetes;

/// <summary>Reads the objects of a cluster from Kubernetes and asks its members.</summary>
public sealed class ClusterObserver(IKubernetesClient kubernetes, ServerFeatures features, MemberObserver members) : IClusterObserver
{
    /// <inheritdoc/>
    public async Task<ClusterObservation> ObserveAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        var names = ClusterNames.Of(cluster);
        var known = await features.GetAsync(cancellationToken).ConfigureAwait(false);
        // Pods before claims: a claim made for a new pod is then never missed, which would look like a deleted one.
        var pods = await PodsAsync(names, cancellationToken).ConfigureAwait(false);
        var answers = members.ObserveAsync(cluster, pods, cancellationToken);
        var statefulSet = kubernetes.GetAsync<V1StatefulSet>(names.StatefulSet, names.Namespace, cancellationToken);
        var volumes = VolumesAsync(cluster, names, cancellationToken);
        var objects = ObjectsAsync(names, known, cancellationToken);
        var secrets = SecretsAsync(cluster, cancellationToken);
        await Task.WhenAll(answers, statefulSet, volumes, objects, secrets).ConfigureAwait(false);

        var (list, probes) = await answers.ConfigureAwait(false);
        return new ClusterObservation
        {
            StatefulSet = await statefulSet.ConfigureAwait(false),
            Pods = pods,
            Volumes = await volumes.ConfigureAwait(false),
            Members = list,
            Probes = probes,
            Objects = await objects.ConfigureAwait(false),
            Secrets = await secrets.ConfigureAwait(false),
            Features = known,
            FreshIdentity = new FreshIdentity(new ClusterId(DrawIdentity()), new MemberId(DrawIdentity())),
        };
    }

    /// <summary>Pods of the cluster, live.</summary>
    public async Task<ImmutableArray<PodView>> PodsAsync(ClusterNames names, CancellationToken cancellationToken)
    {
        var pods = await kubernetes.ListAsync<V1Pod>(names.Namespace, Labels.SelectorText(names), cancellationToken: cancellationToken).ConfigureAwait(false);
        var views = await Task.WhenAll(pods.Select(async pod =>
            PodView.From(pod, names, await IsNodeLostAsync(pod, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
        return [.. views.OfType<PodView>()];
    }

    /// <summary>Only the node of a pod that ought to be gone is asked after.</summary>
    private async Task<bool?> IsNodeLostAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        if (pod.Metadata.DeletionTimestamp is null || pod.Spec?.NodeName is not { } name) return null;
        try
        {
            var node = await kubernetes.ApiClient.CoreV1.ReadNodeAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false);
            return node.Status?.Conditions?.FirstOrDefault(condition => condition.Type == "Ready")?.Status != "True";
        }
        catch (HttpOperationException failure) when (failure.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return true;
        }
        catch (HttpOperationException failure) when (failure.Response.StatusCode == HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    private async Task<ImmutableArray<VolumeView>> VolumesAsync(RaftCluster cluster, ClusterNames names, CancellationToken cancellationToken)
    {
        var claims = await kubernetes.ListAsync<V1PersistentVolumeClaim>(
            names.Namespace, Labels.SelectorText(names), cancellationToken: cancellationToken).ConfigureAwait(false);
        var wanted = SpecProblems.Find(cluster).Count == 0 ? new ResourceQuantity(cluster.Spec.Storage.Size).ToDecimal() : 0;
        var views = claims.Select(claim => VolumeView.From(claim, names, null)).OfType<VolumeView>().ToList();
        var result = ImmutableArray.CreateBuilder<VolumeView>();
        foreach (var view in views)
        {
            // The class matters only to a claim that is to grow.
            var grows = view.Requested is { } asked && asked.ToDecimal() < wanted;
            result.Add(grows ? view with { Expandable = await IsExpandableAsync(view.StorageClass, cancellationToken).ConfigureAwait(false) } : view);
        }
        return result.ToImmutable();
    }

    private async Task<bool?> IsExpandableAsync(string? storageClass, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(storageClass)) return null;
        try
        {
            var found = await kubernetes.ApiClient.StorageV1.ReadStorageClassAsync(storageClass, cancellationToken: cancellationToken).ConfigureAwait(false);
            return found.AllowVolumeExpansion == true;
        }
        catch (HttpOperationException failure) when (failure.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    private async Task<ImmutableArray<IKubernetesObject<V1ObjectMeta>>> ObjectsAsync(
        ClusterNames names, KubernetesFeatures known, CancellationToken cancellationToken)
    {
        var account = kubernetes.GetAsync<V1ServiceAccount>(names.Cluster, names.Namespace, cancellationToken);
        var peers = kubernetes.GetAsync<V1Service>(names.PeerService, names.Namespace, cancellationToken);
        var client = kubernetes.GetAsync<V1Service>(names.ClientService, names.Namespace, cancellationToken);
        var budget = BudgetAsync(names, known, cancellationToken);
        await Task.WhenAll(account, peers, client, budget).ConfigureAwait(false);
        IKubernetesObject<V1ObjectMeta>?[] objects =
        [
            await account.ConfigureAwait(false), await peers.ConfigureAwait(false), await client.ConfigureAwait(false), await budget.ConfigureAwait(false),
        ];
        return [.. objects.OfType<IKubernetesObject<V1ObjectMeta>>()];
    }

    private async Task<V1PodDisruptionBudget?> BudgetAsync(ClusterNames names, KubernetesFeatures known, CancellationToken cancellationToken)
    {
        try
        {
            return await kubernetes.ApiClient.CustomObjects.GetNamespacedCustomObjectAsync<V1PodDisruptionBudget>(
                "policy", known.PolicyV1 ? "v1" : "v1beta1", names.Namespace, "poddisruptionbudgets", names.Cluster, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpOperationException failure) when (failure.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<ImmutableArray<SecretView>> SecretsAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        if (!cluster.Spec.Tls.Enabled) return [];
        var secrets = await Task.WhenAll(CertificateNames.Of(cluster).All.Select(name =>
            kubernetes.GetAsync<V1Secret>(name, cluster.Metadata.NamespaceProperty, cancellationToken))).ConfigureAwait(false);
        return [.. secrets.OfType<V1Secret>().Select(SecretReader.Read)];
    }

    /// <summary>Never 0, which stands for nobody.</summary>
    private static ulong DrawIdentity()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        ulong identity;
        do
        {
            RandomNumberGenerator.Fill(bytes);
            identity = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        }
        while (identity == 0);
        return identity;
    }
}
