using System.Collections.Concurrent;
using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.Abstractions.Reconciliation;
using KubeOps.Abstractions.Reconciliation.Controller;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Queue;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator.Reconciliation;

/// <summary>How a reconciliation ended, for the queue and the metrics.</summary>
/// <param name="Result">One word: success, failure, conflict or gone.</param>
/// <param name="Again">When to come back by itself; null: only when something changes.</param>
public readonly record struct Outcome(string Result, TimeSpan? Again);

/// <summary>Takes one entity through one reconciliation: finalizers, controller, and what its result means.</summary>
public sealed class Reconciler<TEntity>(
    IServiceScopeFactory scopes,
    ObjectStore<TEntity> store,
    IKubernetesClient client,
    Finalizers<TEntity> finalizers,
    RetryDelay retryDelay,
    ILogger<Reconciler<TEntity>> logger)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    // In a row; more of them have another cause than somebody who was quicker.
    private const int UsualConflicts = 3;

    private readonly ConcurrentDictionary<EntityKey, int> _failures = new();
    private readonly ConcurrentDictionary<EntityKey, TEntity> _gone = new();

    /// <summary>Remembers an entity that is gone, for <see cref="IEntityController{TEntity}.DeletedAsync"/>.</summary>
    public void Remember(TEntity gone) => _gone[EntityKey.Of(gone)] = gone;

    /// <summary>Reconciles. Only cancellation throws: everything else is an outcome, and is tried again for ever.</summary>
    public async Task<Outcome> ReconcileAsync(EntityKey key, CancellationToken cancellationToken)
    {
        ReconciliationResult<TEntity>? result;
        try
        {
            var scope = scopes.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
                result = await StepAsync(key, scope.ServiceProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (HttpOperationException conflict) when (conflict.Response?.StatusCode == HttpStatusCode.Conflict)
        {
            // Somebody else wrote first; their change is on its way to us. Nobody needs to hear of it, unless it never ends.
            var before = CountFailure(key);
            logger.Log(
                before < UsualConflicts ? LogLevel.Debug : LogLevel.Warning,
                "{Entity} changed while it was reconciled, for the {Conflicts}. time; trying again: {Problem}", key, before + 1, conflict.Response.Content);
            return new Outcome("conflict", retryDelay.After(before));
        }
        catch (Exception failure)
        {
            return Failed(key, failure.Message, failure, null);
        }

        if (result is { IsSuccess: false }) return Failed(key, result.ErrorMessage, result.Error, result.RequeueAfter);
        _failures.TryRemove(key, out _);
        return new Outcome(result is null ? "gone" : "success", result?.RequeueAfter);
    }

    private async Task<ReconciliationResult<TEntity>?> StepAsync(EntityKey key, IServiceProvider services, CancellationToken cancellationToken)
    {
        var controller = services.GetRequiredService<IEntityController<TEntity>>();
        if (_gone.TryGetValue(key, out var gone))
        {
            var result = await controller.DeletedAsync(gone, cancellationToken).ConfigureAwait(false);
            if (!result.IsSuccess) return result;
            // Another entity may have appeared, and gone, under that name meanwhile.
            _gone.TryRemove(KeyValuePair.Create(key, gone));
        }

        if (store.Get(key) is null) return null;
        // The cache told that there is work; what it is depends on what holds now, latches in the status above all.
        if (await client.GetAsync<TEntity>(key.Name, key.Namespace, cancellationToken).ConfigureAwait(false) is not { } entity) return null;
        if (entity.Metadata.DeletionTimestamp is not null) return await finalizers.RunAsync(entity, services, cancellationToken).ConfigureAwait(false);
        entity = await finalizers.AttachAsync(entity, cancellationToken).ConfigureAwait(false);
        return await controller.ReconcileAsync(entity, cancellationToken).ConfigureAwait(false);
    }

    private Outcome Failed(EntityKey key, string problem, Exception? error, TimeSpan? asked)
    {
        var failures = CountFailure(key);
        var delay = asked ?? retryDelay.After(failures);
        logger.LogWarning(
            error, "Reconciling {Entity} failed for the {Failures}. time, trying again in {Delay:0.0} s: {Problem}",
            key, failures + 1, delay.TotalSeconds, problem);
        return new Outcome("failure", delay);
    }

    // Number of failures in a row before this one.
    private int CountFailure(EntityKey key) => _failures.AddOrUpdate(key, 1, (_, count) => count + 1) - 1;
}
