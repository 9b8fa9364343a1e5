using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Entities;

/// <summary>References between Kubernetes objects.</summary>
public static class EntityExtensions
{
    /// <summary>Makes <paramref name="owner"/> an owner of the entity, once.</summary>
    public static TEntity WithOwnerReference<TEntity>(
        this TEntity entity, IKubernetesObject<V1ObjectMeta> owner, bool? blockOwnerDeletion = null, bool? controller = null)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var reference = owner.MakeOwnerReference(blockOwnerDeletion, controller);
        var references = entity.Metadata.OwnerReferences ??= [];
        if (!references.Any(existing => existing.Uid == reference.Uid))
        {
            references.Add(reference);
        }

        return entity;
    }

    /// <summary>A reference by which a dependent object names its owner.</summary>
    public static V1OwnerReference MakeOwnerReference(
        this IKubernetesObject<V1ObjectMeta> entity, bool? blockOwnerDeletion = null, bool? controller = null) => new()
        {
            ApiVersion = entity.ApiVersion,
            Kind = entity.Kind,
            Name = entity.Metadata.Name,
            Uid = entity.Metadata.Uid,
            BlockOwnerDeletion = blockOwnerDeletion,
            Controller = controller,
        };

    /// <summary>A reference by which an event names what it is about.</summary>
    public static V1ObjectReference MakeObjectReference(this IKubernetesObject<V1ObjectMeta> entity) => new()
    {
        ApiVersion = entity.ApiVersion,
        Kind = entity.Kind,
        Name = entity.Metadata.Name,
        NamespaceProperty = entity.Metadata.NamespaceProperty,
        ResourceVersion = entity.Metadata.ResourceVersion,
        Uid = entity.Metadata.Uid,
    };

    /// <summary>Makes the next update of the entity conditional on this resource version.</summary>
    public static TEntity WithResourceVersion<TEntity>(this TEntity entity, string resourceVersion)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        entity.Metadata.ResourceVersion = resourceVersion;
        return entity;
    }
}
