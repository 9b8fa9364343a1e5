using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Entities;

/// <summary>A custom resource with metadata only.</summary>
public abstract class CustomKubernetesEntity : KubernetesObject, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Name, namespace, labels and the rest.</summary>
    public V1ObjectMeta Metadata { get; set; } = new();
}

/// <summary>A custom resource with a spec.</summary>
public abstract class CustomKubernetesEntity<TSpec> : CustomKubernetesEntity, ISpec<TSpec>
    where TSpec : new()
{
    /// <summary>What is asked for.</summary>
    public TSpec Spec { get; set; } = new();
}

/// <summary>A custom resource with a spec and a status.</summary>
public abstract class CustomKubernetesEntity<TSpec, TStatus> : CustomKubernetesEntity<TSpec>, IStatus<TStatus>
    where TSpec : new()
    where TStatus : new()
{
    /// <summary>What was found.</summary>
    public TStatus Status { get; set; } = new();
}
