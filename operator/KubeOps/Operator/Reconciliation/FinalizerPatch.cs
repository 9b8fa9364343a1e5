using System.Text.Json;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;

namespace KubeOps.Operator.Reconciliation;

/// <summary>Changes of metadata.finalizers that leave other people's finalizers, and all other fields, alone.</summary>
public static class FinalizerPatch
{
    /// <summary>Adds a finalizer if it is not there; gives the entity as it is then.</summary>
    public static Task<TEntity> AttachAsync<TEntity>(
        IKubernetesClient client, TEntity entity, string identifier, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var present = entity.Metadata.Finalizers ?? [];
        return present.Contains(identifier) ? Task.FromResult(entity) : WriteAsync(client, entity, [.. present, identifier], cancellationToken);
    }

    /// <summary>Removes a finalizer if it is there, wherever it stands; gives the entity as it is then.</summary>
    public static Task<TEntity> DetachAsync<TEntity>(
        IKubernetesClient client, TEntity entity, string identifier, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var present = entity.Metadata.Finalizers ?? [];
        return present.Contains(identifier)
            ? WriteAsync(client, entity, [.. present.Where(name => name != identifier)], cancellationToken)
            : Task.FromResult(entity);
    }

    // The resource version makes the server refuse (409) if somebody else changed the list meanwhile.
    private static Task<TEntity> WriteAsync<TEntity>(
        IKubernetesClient client, TEntity entity, string[] finalizers, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var patch = JsonSerializer.Serialize(new { metadata = new { resourceVersion = entity.Metadata.ResourceVersion, finalizers } });
        return client.PatchAsync<TEntity>(
            new V1Patch(patch, V1Patch.PatchType.MergePatch), entity.Metadata.Name, entity.Metadata.NamespaceProperty,
            cancellationToken: cancellationToken);
    }
}
