using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Events;

/// <summary>How much an event matters.</summary>
public enum EventType
{
    /// <summary>As it should be.</summary>
    Normal,

    /// <summary>Somebody should look.</summary>
    Warning,
}

/// <summary>Publishes an event about an entity. The same reason and message again raise its count.</summary>
public delegate Task EventPublisher(
    IKubernetesObject<V1ObjectMeta> entity,
    string reason,
    string message,
    EventType type = EventType.Normal,
    CancellationToken cancellationToken = default);
