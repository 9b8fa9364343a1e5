using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;

namespace Raft.Operator.Effects.Tests;

/// <summary>A Kubernetes that knows the Secrets and pods it is given, for what only reads them.</summary>
internal sealed class KnownObjects : IKubernetesClient
{
    public List<IKubernetesObject<V1ObjectMeta>> Objects { get; } = [];

    public IKubernetes ApiClient => throw new NotSupportedException();

    public Task<TEntity?> GetAsync<TEntity>(string name, string? @namespace, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => Task.FromResult(Objects.OfType<TEntity>().FirstOrDefault(known => known.Metadata.Name == name));

    public Task<IList<TEntity>> ListAsync<TEntity>(string? @namespace, string? labelSelector, string? fieldSelector, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => Task.FromResult<IList<TEntity>>([.. Objects.OfType<TEntity>()]);

    public Task<TEntity> CreateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<TEntity> UpdateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<TEntity> UpdateStatusAsync<TEntity>(TEntity entity, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<TEntity> SaveAsync<TEntity>(TEntity entity, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<TEntity> PatchAsync<TEntity>(
        V1Patch patch, string name, string? @namespace, string? fieldManager, bool? force, string? dryRun, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task DeleteAsync<TEntity>(string name, string? @namespace, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> WatchAsync<TEntity>(
        string? @namespace, string? resourceVersion, string? labelSelector, string? fieldSelector, bool? allowWatchBookmarks,
        CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
