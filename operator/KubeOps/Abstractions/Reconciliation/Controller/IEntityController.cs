using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Reconciliation.Controller;

/// <summary>Brings the world in line with an entity. Never called twice at once for the same entity.</summary>
public interface IEntityController<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Looks at the whole state and does what is next; which event led here does not matter.</summary>
    Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken);

    /// <summary>The entity is gone. Best effort: what must be cleaned up belongs into a finalizer.</summary>
    Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken);
}
