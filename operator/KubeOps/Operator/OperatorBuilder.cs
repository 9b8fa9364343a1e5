using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Abstractions.Entities;
using KubeOps.Abstractions.Reconciliation.Controller;
using KubeOps.Abstractions.Reconciliation.Finalizer;
using KubeOps.Abstractions.Reconciliation.Queue;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Queue;
using KubeOps.Operator.Reconciliation;
using KubeOps.Operator.Watching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator;

/// <inheritdoc/>
internal sealed class OperatorBuilder(IServiceCollection services, OperatorSettings settings) : IOperatorBuilder
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    public IServiceCollection Services => services;

    public OperatorSettings Settings => settings;

    public IOperatorBuilder AddController<TImplementation, TEntity>()
        where TImplementation : class, IEntityController<TEntity>
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        AddControllerWithLabelSelector<TImplementation, TEntity, DefaultEntityLabelSelector<TEntity>>();

    // KubeOps does not ask entities to be classes; the cache does, and every entity is one.
    public IOperatorBuilder AddControllerWithLabelSelector<TImplementation, TEntity, TLabelSelector>()
        where TImplementation : class, IEntityController<TEntity>
        where TEntity : IKubernetesObject<V1ObjectMeta>
        where TLabelSelector : class, IEntityLabelSelector<TEntity>
    {
        services.AddScoped<IEntityController<TEntity>, TImplementation>();
        services.AddSingleton<TLabelSelector>();
        typeof(OperatorBuilder).GetMethod(nameof(AddPipeline), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!
            .MakeGenericMethod(typeof(TEntity), typeof(TLabelSelector)).Invoke(this, null);
        return this;
    }

    public IOperatorBuilder AddFinalizer<TImplementation, TEntity>(string identifier)
        where TImplementation : class, IEntityFinalizer<TEntity>
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        services.AddScoped<TImplementation>();
        services.AddSingleton(new FinalizerRegistration<TEntity>(identifier, typeof(TImplementation)));
        services.AddSingleton<EntityFinalizerAttacher<TImplementation, TEntity>>(provider => (entity, cancellationToken) =>
            FinalizerPatch.AttachAsync(provider.GetRequiredService<IKubernetesClient>(), entity, identifier, cancellationToken));
        return this;
    }

    private void AddPipeline<TEntity, TLabelSelector>()
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
        where TLabelSelector : class, IEntityLabelSelector<TEntity>
    {
        services.AddSingleton(provider =>
        {
            var selector = provider.GetRequiredService<TLabelSelector>();
            return NewInformer<TEntity>(provider, async cancellationToken => new ListScope(
                ResourcePath.Of<TEntity>(), settings.Namespace, await selector.GetLabelSelectorAsync(cancellationToken).ConfigureAwait(false)));
        });
        services.AddSingleton(provider => provider.GetRequiredService<Informer<TEntity>>().Store);
        services.AddSingleton<Finalizers<TEntity>>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<Reconciler<TEntity>>(
            provider, new RetryDelay(FirstRetry, LongestRetry, Random.Shared.NextDouble)));
        services.AddKeyedSingleton<WorkQueue<EntityKey>>(typeof(TEntity));
        services.AddSingleton<IEntityPipeline>(provider => ActivatorUtilities.CreateInstance<EntityPipeline<TEntity>>(
            provider, provider.GetRequiredKeyedService<WorkQueue<EntityKey>>(typeof(TEntity))));
        services.AddSingleton<EntityQueue<TEntity>>(provider =>
        {
            var queue = provider.GetRequiredKeyedService<WorkQueue<EntityKey>>(typeof(TEntity));
            return (entity, _, _, queueIn, _, _) =>
            {
                queue.Enqueue(EntityKey.Of(entity), queueIn);
                return Task.FromResult(true);
            };
        });
    }

    internal static Informer<TEntity> NewInformer<TEntity>(
        IServiceProvider provider, Func<CancellationToken, ValueTask<ListScope>> scope, params IReadOnlyList<string> olderVersions)
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => new(
            provider.GetRequiredService<KubernetesClient.KubernetesClient>(),
            scope,
            olderVersions,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<OperatorMetrics>(),
            provider.GetRequiredService<ILogger<Informer<TEntity>>>());
}
