using System.Diagnostics;
using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Queue;
using KubeOps.Operator.Reconciliation;

namespace KubeOps.Operator.Watching;

/// <summary>The way of one entity type: informers tell of changes, the queue orders them, reconcilers work them off.</summary>
public interface IEntityPipeline
{
    /// <summary>Keeps the caches in step, on leaders and standbys alike, until told to stop.</summary>
    Task WatchAsync(CancellationToken cancellationToken);

    /// <summary>Works, until told to stop; returns when the last reconciliation under way has ended.</summary>
    Task WorkAsync(CancellationToken cancellationToken);

    /// <summary>Whether everything that there was at the start is known.</summary>
    bool Listed { get; }
}

/// <inheritdoc/>
public sealed class EntityPipeline<TEntity>(
    Informer<TEntity> informer,
    IEnumerable<IRelatedWatch<TEntity>> related,
    WorkQueue<EntityKey> queue,
    Reconciler<TEntity> reconciler,
    OperatorSettings settings,
    ResyncPeriod resync,
    OperatorMetrics metrics,
    TimeProvider time) : IEntityPipeline
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private static readonly string TypeName = typeof(TEntity).Name;

    private readonly IReadOnlyList<IRelatedWatch<TEntity>> _related = [.. related];

    /// <inheritdoc/>
    public bool Listed => informer.Listed.IsCompleted && _related.All(watch => watch.Informer.Listed.IsCompleted);

    /// <inheritdoc/>
    public Task WatchAsync(CancellationToken cancellationToken)
    {
        informer.Changed += OnChanged;
        foreach (var watch in _related) watch.Subscribe(key => queue.Enqueue(key));
        metrics.Observe(TypeName, () => queue.Waiting, () => informer.Store.Count);
        return Task.WhenAll([informer.RunAsync(cancellationToken), .. _related.Select(watch => watch.Informer.RunAsync(cancellationToken))]);
    }

    /// <inheritdoc/>
    public async Task WorkAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll([informer.Listed, .. _related.Select(watch => watch.Informer.Listed)]).WaitAsync(cancellationToken).ConfigureAwait(false);
        // Whoever led before may have left anything half done.
        foreach (var entity in informer.Store.List()) queue.Enqueue(EntityKey.Of(entity));
        using var places = new SemaphoreSlim(settings.ParallelReconciliation.MaxParallelReconciliations);
        var resyncing = ResyncAsync(cancellationToken);
        try
        {
            while (true)
            {
                await places.WaitAsync(cancellationToken).ConfigureAwait(false);
                var key = await queue.TakeAsync(cancellationToken).ConfigureAwait(false);
                _ = Task.Run(() => ReconcileAsync(key, places, cancellationToken), CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }

        await resyncing.ConfigureAwait(false);
        await queue.IdleAsync().ConfigureAwait(false);
    }

    private void OnChanged(ObjectChange<TEntity> change)
    {
        if (change is { After: null, Before: { } gone }) reconciler.Remember(gone);
        if (ChangeFilter.Matters(change, settings.ReconcileStrategy)) queue.Enqueue(EntityKey.Of(change.Last));
    }

    private async Task ReconcileAsync(EntityKey key, SemaphoreSlim places, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        // Work that was cut short is picked up by whoever leads next.
        var outcome = new Outcome("cancelled", TimeSpan.Zero);
        metrics.Began(TypeName);
        try
        {
            outcome = await reconciler.ReconcileAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            metrics.Ended(TypeName, outcome.Result, Stopwatch.GetElapsedTime(started));
            places.Release();
            queue.Done(key, outcome.Again);
        }
    }

    /// <summary>Every entity is looked at now and then, spread over the period: a belt for all braces.</summary>
    private async Task ResyncAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(resync.Period, time, cancellationToken).ConfigureAwait(false);
                foreach (var entity in informer.Store.List()) queue.Enqueue(EntityKey.Of(entity), resync.Period * Random.Shared.NextDouble());
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }
}

/// <summary>How often every entity is looked at even if nothing seems to have changed.</summary>
public sealed record ResyncPeriod(TimeSpan Period);
