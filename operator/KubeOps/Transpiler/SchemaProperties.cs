using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using k8s.Models;
using KubeOps.Abstractions.Entities.Attributes;

namespace KubeOps.Transpiler;

/// <summary>The properties of a type as they appear in JSON, in the order in which the source declares them.</summary>
internal static class SchemaProperties
{
    public static IEnumerable<(string Name, PropertyInfo Property)> Of(Type type) =>
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where property is { CanRead: true, CanWrite: true } && property.GetIndexParameters().Length == 0
        where property.GetCustomAttribute<IgnoreAttribute>() is null && property.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always }
        orderby Depth(property.DeclaringType!), property.MetadataToken
        select (NameOf(property), property);

    public static string NameOf(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    /// <summary>Whether the type is an object with properties, but not one of Kubernetes' own.</summary>
    public static bool IsOwnObject(Type type) =>
        type is { IsClass: true, IsArray: false, IsGenericType: false } && type != typeof(string) && type != typeof(object)
        && type.Namespace != typeof(V1ObjectMeta).Namespace && !type.Namespace!.StartsWith("System", StringComparison.Ordinal);

    // What a base class declares comes first.
    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
