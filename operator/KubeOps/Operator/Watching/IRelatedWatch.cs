using k8s;
using k8s.Models;
using KubeOps.Operator.Caching;

namespace KubeOps.Operator.Watching;

/// <summary>A watch of objects that belong to entities: a change of one has its entity reconciled at once.</summary>
/// <typeparam name="TEntity">The type that is reconciled.</typeparam>
public interface IRelatedWatch<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The informer of the related type.</summary>
    IInformer Informer { get; }

    /// <summary>Has <paramref name="enqueue"/> called with the key of each entity whose related objects change.</summary>
    void Subscribe(Action<EntityKey> enqueue);
}

/// <inheritdoc cref="IRelatedWatch{TEntity}"/>
/// <param name="informer">Sees the related objects.</param>
/// <param name="entityOf">Name of the entity, in the same namespace, that an object belongs to; null if to none.</param>
public sealed class RelatedWatch<TEntity, TRelated>(Informer<TRelated> informer, Func<TRelated, string?> entityOf) : IRelatedWatch<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
    where TRelated : class, IKubernetesObject<V1ObjectMeta>
{
    /// <inheritdoc/>
    public IInformer Informer => informer;

    /// <inheritdoc/>
    public void Subscribe(Action<EntityKey> enqueue) => informer.Changed += change =>
    {
        // An object may change hands: both the former and the new entity want to know.
        var before = change.Before is { } was ? entityOf(was) : null;
        var after = change.After is { } now ? entityOf(now) : null;
        var @namespace = change.Last.Metadata.NamespaceProperty ?? string.Empty;
        if (before is not null) enqueue(new EntityKey(@namespace, before));
        if (after is not null && after != before) enqueue(new EntityKey(@namespace, after));
    };
}
