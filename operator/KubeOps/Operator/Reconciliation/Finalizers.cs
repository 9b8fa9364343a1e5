using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Abstractions.Reconciliation;
using KubeOps.Abstractions.Reconciliation.Finalizer;
using KubeOps.KubernetesClient;
using Microsoft.Extensions.DependencyInjection;

namespace KubeOps.Operator.Reconciliation;

/// <summary>A finalizer that entities of a type carry.</summary>
/// <param name="Identifier">Its name in metadata.finalizers.</param>
/// <param name="Implementation">What cleans up.</param>
public sealed record FinalizerRegistration<TEntity>(string Identifier, Type Implementation)
    where TEntity : IKubernetesObject<V1ObjectMeta>;

/// <summary>Puts our finalizers on entities and takes them off, by patches that leave those of others alone.</summary>
public sealed class Finalizers<TEntity>(
    IKubernetesClient client, OperatorSettings settings, IEnumerable<FinalizerRegistration<TEntity>> registrations)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly IReadOnlyList<FinalizerRegistration<TEntity>> _registrations = [.. registrations];

    /// <summary>Adds what is missing of ours; gives the entity as it is then.</summary>
    public async Task<TEntity> AttachAsync(TEntity entity, CancellationToken cancellationToken)
    {
        if (!settings.AutoAttachFinalizers) return entity;
        foreach (var registration in _registrations)
            entity = await FinalizerPatch.AttachAsync(client, entity, registration.Identifier, cancellationToken).ConfigureAwait(false);
        return entity;
    }

    /// <summary>
    /// Cleans up by each finalizer of ours that is still on the entity, wherever it stands in the list: one of somebody else's
    /// before it is not waited for.
    /// </summary>
    public async Task<ReconciliationResult<TEntity>> RunAsync(TEntity entity, IServiceProvider services, CancellationToken cancellationToken)
    {
        foreach (var registration in _registrations)
        {
            if (entity.Metadata.Finalizers?.Contains(registration.Identifier) != true) continue;
            var finalizer = (IEntityFinalizer<TEntity>)services.GetRequiredService(registration.Implementation);
            var result = await finalizer.FinalizeAsync(entity, cancellationToken).ConfigureAwait(false);
            // A finalizer that is not done says so by a failure, or by asking to be called again.
            if (!result.IsSuccess || result.RequeueAfter is not null) return result;
            if (settings.AutoDetachFinalizers)
                entity = await FinalizerPatch.DetachAsync(client, entity, registration.Identifier, cancellationToken).ConfigureAwait(false);
        }

        return ReconciliationResult<TEntity>.Success(entity);
    }
}
