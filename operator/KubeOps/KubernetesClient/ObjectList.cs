using k8s.Models;

namespace KubeOps.KubernetesClient;

/// <summary>A list as the API server answers it.</summary>
internal sealed class ObjectList<TEntity>
{
    public V1ListMeta? Metadata { get; set; }

    public List<TEntity>? Items { get; set; }
}
