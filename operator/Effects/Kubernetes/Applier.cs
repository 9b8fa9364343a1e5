using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;

namespace Raft.Operator.Effects.Kubernetes;

/// <summary>
/// Applies objects on the server's side: fields that we give are ours and are put back if others change them; fields that we do
/// not give are left alone.
/// </summary>
public sealed class Applier(IKubernetesClient kubernetes)
{
    /// <summary>The name under which the operator owns fields.</summary>
    public const string FieldManager = "raft-operator";

    /// <summary>Creates or updates <paramref name="target"/>.</summary>
    public Task ApplyAsync(IKubernetesObject<V1ObjectMeta> target, CancellationToken cancellationToken) => target switch
    {
        V1StatefulSet => PatchAsync<V1StatefulSet>(target, cancellationToken),
        V1Service => PatchAsync<V1Service>(target, cancellationToken),
        V1ServiceAccount => PatchAsync<V1ServiceAccount>(target, cancellationToken),
        V1PersistentVolumeClaim => PatchAsync<V1PersistentVolumeClaim>(target, cancellationToken),
        // The typed client knows only policy/v1: the version that this server has is in the object.
        V1PodDisruptionBudget => kubernetes.ApiClient.CustomObjects.PatchNamespacedCustomObjectAsync<V1PodDisruptionBudget>(
            Body(target), "policy", target.ApiVersion.Split('/')[1], target.Metadata.NamespaceProperty, "poddisruptionbudgets", target.Metadata.Name,
            fieldManager: FieldManager, force: true, cancellationToken: cancellationToken),
        _ => throw new ArgumentException($"objects of kind {target.Kind} are not applied", nameof(target)),
    };

    /// <summary>Merges <paramref name="change"/> into an object, if it is still the one with this UID.</summary>
    public Task MergeAsync<T>(string name, string @namespace, string uid, JsonObject change, CancellationToken cancellationToken)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        var metadata = change["metadata"] as JsonObject ?? [];
        // A UID cannot be changed, so a patch that names another one is refused: that is the precondition.
        metadata["uid"] = uid;
        change["metadata"] = metadata;
        return kubernetes.PatchAsync<T>(
            new V1Patch(change.ToJsonString(), V1Patch.PatchType.MergePatch), name, @namespace, FieldManager, cancellationToken: cancellationToken);
    }

    private Task<T> PatchAsync<T>(IKubernetesObject<V1ObjectMeta> target, CancellationToken cancellationToken)
        where T : IKubernetesObject<V1ObjectMeta> =>
        kubernetes.PatchAsync<T>(
            Body(target), target.Metadata.Name, target.Metadata.NamespaceProperty, FieldManager, force: true, cancellationToken: cancellationToken);

    private static V1Patch Body(IKubernetesObject<V1ObjectMeta> target) =>
        new(KubernetesJson.Serialize((object)target), V1Patch.PatchType.ApplyPatch);
}
