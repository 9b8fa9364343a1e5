using k8s;
using k8s.Models;

namespace KubeOps.KubernetesClient;

/// <summary>Typed access to any Kubernetes resource. Missing objects are null; other failures throw.</summary>
public interface IKubernetesClient : IDisposable
{
    /// <summary>The client underneath.</summary>
    IKubernetes ApiClient { get; }

    /// <summary>Reads one object from the API server, or null.</summary>
    Task<TEntity?> GetAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Reads all that the selectors match, page by page.</summary>
    Task<IList<TEntity>> ListAsync<TEntity>(
        string? @namespace = null, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Creates; fails if it exists.</summary>
    Task<TEntity> CreateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Replaces; fails if it changed since it was read.</summary>
    Task<TEntity> UpdateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Replaces the status alone.</summary>
    Task<TEntity> UpdateStatusAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Creates or replaces.</summary>
    Task<TEntity> SaveAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Patches; an apply patch needs a field manager.</summary>
    Task<TEntity> PatchAsync<TEntity>(
        V1Patch patch,
        string name,
        string? @namespace = null,
        string? fieldManager = null,
        bool? force = null,
        string? dryRun = null,
        CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Deletes; succeeds if it is gone already.</summary>
    Task DeleteAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;

    /// <summary>Follows changes from a resource version on, until the server ends the stream.</summary>
    IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> WatchAsync<TEntity>(
        string? @namespace = null,
        string? resourceVersion = null,
        string? labelSelector = null,
        string? fieldSelector = null,
        bool? allowWatchBookmarks = null,
        CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>;
}
