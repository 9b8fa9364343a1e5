using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Reconciliation.Finalizer;

/// <summary>Cleans up while an entity is being deleted; a success releases it.</summary>
public interface IEntityFinalizer<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Cleans up; may be called again at any point.</summary>
    Task<ReconciliationResult<TEntity>> FinalizeAsync(TEntity entity, CancellationToken cancellationToken);
}
