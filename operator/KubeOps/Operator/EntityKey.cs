using k8s;
using k8s.Models;

namespace KubeOps.Operator;

/// <summary>Names an entity of a known type; the namespace is empty for types that live in none.</summary>
public readonly record struct EntityKey(string Namespace, string Name)
{
    /// <summary>The key of <paramref name="entity"/>.</summary>
    public static EntityKey Of(IKubernetesObject<V1ObjectMeta> entity) => new(entity.Metadata.NamespaceProperty ?? string.Empty, entity.Metadata.Name);

    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
