using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.KubernetesClient;
using Microsoft.Extensions.DependencyInjection;

namespace KubeOps.Operator.Watching;

/// <summary>What KubeOps itself does not have: reconciling an entity when something that belongs to it changes.</summary>
public static class RelatedWatchExtensions
{
    /// <summary>
    /// Watches objects that carry the label <paramref name="label"/>, whose value names the entity that they belong to in the
    /// same namespace. Each change, and each deletion, has that entity reconciled at once. Servers that do not serve the type's
    /// own version are asked for <paramref name="olderVersions"/>.
    /// </summary>
    public static IOperatorBuilder WatchLabelled<TEntity, TRelated>(
        this IOperatorBuilder builder, string label, params string[] olderVersions)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
        where TRelated : class, IKubernetesObject<V1ObjectMeta>
    {
        builder.Services.AddSingleton(provider => OperatorBuilder.NewInformer<TRelated>(
            provider,
            _ => new ValueTask<ListScope>(new ListScope(ResourcePath.Of<TRelated>(), builder.Settings.Namespace, label, MetadataOnly: true)),
            olderVersions));
        builder.Services.AddSingleton<IRelatedWatch<TEntity>>(provider => new RelatedWatch<TEntity, TRelated>(
            provider.GetRequiredService<Caching.Informer<TRelated>>(), related => related.GetLabel(label)));
        return builder;
    }
}
