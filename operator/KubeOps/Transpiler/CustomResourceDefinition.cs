using System.Reflection;
using System.Text.Json.Nodes;
using k8s.Models;
using KubeOps.Abstractions.Entities.Attributes;

namespace KubeOps.Transpiler;

/// <summary>The CustomResourceDefinition (apiextensions.k8s.io/v1) that an entity type's attributes describe.</summary>
public static class CustomResourceDefinition
{
    /// <summary>Describes one entity type. The same type always gives the same document, to the last byte.</summary>
    public static JsonObject Of(Type entity)
    {
        var resource = entity.GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new ArgumentException($"{entity} has no [KubernetesEntity]", nameof(entity));
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{resource.PluralName}.{resource.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = resource.Group,
                ["names"] = Names(entity, resource),
                ["scope"] = (entity.GetCustomAttribute<EntityScopeAttribute>()?.Scope ?? EntityScope.Namespaced).ToString(),
                ["versions"] = new JsonArray(Version(entity, resource)),
            },
        };
    }

    private static JsonObject Names(Type entity, KubernetesEntityAttribute resource)
    {
        var names = new JsonObject
        {
            ["kind"] = resource.Kind,
            ["listKind"] = $"{resource.Kind}List",
            ["plural"] = resource.PluralName,
            ["singular"] = resource.Kind.ToLowerInvariant(),
        };
        if (entity.GetCustomAttribute<KubernetesEntityShortNamesAttribute>() is { ShortNames.Count: > 0 } shortNames)
            names["shortNames"] = Json.Strings(shortNames.ShortNames);
        return names;
    }

    private static JsonObject Version(Type entity, KubernetesEntityAttribute resource)
    {
        var version = new JsonObject
        {
            ["name"] = resource.ApiVersion,
            ["served"] = true,
            ["storage"] = true,
            ["schema"] = new JsonObject { ["openAPIV3Schema"] = StructuralSchema.OfEntity(entity) },
        };
        if (Subresources(entity) is { Count: > 0 } subresources) version["subresources"] = subresources;
        if (PrinterColumns.Of(entity) is { Count: > 0 } columns) version["additionalPrinterColumns"] = columns;
        return version;
    }

    private static JsonObject Subresources(Type entity)
    {
        var subresources = new JsonObject();
        if (entity.GetProperty("Status") is not null) subresources["status"] = new JsonObject();
        if (entity.GetCustomAttribute<ScaleSubresourceAttribute>() is { } scale)
        {
            var paths = new JsonObject
            {
                ["specReplicasPath"] = scale.SpecReplicasPath,
                ["statusReplicasPath"] = scale.StatusReplicasPath,
            };
            if (scale.LabelSelectorPath is { } selector) paths["labelSelectorPath"] = selector;
            subresources["scale"] = paths;
        }

        return subresources;
    }
}
