using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Entities;

/// <summary>Narrows a watch to entities with certain labels.</summary>
public interface IEntityLabelSelector<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The selector as the API server reads it; null selects all.</summary>
    ValueTask<string?> GetLabelSelectorAsync(CancellationToken cancellationToken);
}

/// <summary>Narrows a watch to entities with certain field values.</summary>
public interface IEntityFieldSelector<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The selector as the API server reads it; null selects all.</summary>
    ValueTask<string?> GetFieldSelectorAsync(CancellationToken cancellationToken);
}

/// <summary>Selects every entity.</summary>
public sealed class DefaultEntityLabelSelector<TEntity> : IEntityLabelSelector<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <inheritdoc/>
    public ValueTask<string?> GetLabelSelectorAsync(CancellationToken cancellationToken) => new((string?)null);
}
