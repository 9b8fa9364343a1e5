using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Reconciliation.Queue;

/// <summary>Asks for an entity to be reconciled after a while. False: the queue takes nothing more.</summary>
public delegate Task<bool> EntityQueue<TEntity>(
    TEntity entity,
    ReconciliationType type,
    ReconciliationTriggerSource triggerSource,
    TimeSpan queueIn,
    int retryCount,
    CancellationToken cancellationToken)
    where TEntity : IKubernetesObject<V1ObjectMeta>;
