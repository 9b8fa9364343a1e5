using System.Reflection;
using k8s;
using k8s.Models;

namespace KubeOps.KubernetesClient;

/// <summary>Where the API server keeps the objects of a type.</summary>
public sealed record ResourcePath(string Group, string Version, string Kind, string Plural)
{
    /// <summary>Group and version, as objects carry them in apiVersion.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The path of a type, from its <see cref="KubernetesEntityAttribute"/>.</summary>
    public static ResourcePath Of<TEntity>()
        where TEntity : IKubernetesObject<V1ObjectMeta> => Cached<TEntity>.Path;

    /// <summary>All objects, of one namespace or of all.</summary>
    public string Collection(string? @namespace) =>
        (Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}")
        + (string.IsNullOrEmpty(@namespace) ? string.Empty : $"/namespaces/{Uri.EscapeDataString(@namespace)}")
        + $"/{Plural}";

    /// <summary>One object; it is without a namespace if its type is.</summary>
    public string One(string name, string? @namespace) => $"{Collection(@namespace)}/{Uri.EscapeDataString(name)}";

    private static class Cached<TEntity>
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        public static readonly ResourcePath Path = From(
            typeof(TEntity).GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new InvalidOperationException($"{typeof(TEntity)} has no [KubernetesEntity]"));

        private static ResourcePath From(KubernetesEntityAttribute entity) =>
            new(entity.Group ?? string.Empty, entity.ApiVersion, entity.Kind, entity.PluralName);
    }
}
