using System.Reflection;
using System.Text.Json.Nodes;
using k8s.Models;
using KubeOps.Abstractions.Entities.Attributes;

namespace KubeOps.Transpiler;

/// <summary>The structural OpenAPI v3 schema of a type. Validation rules in CEL are beside it: servers before 1.25 drop them.</summary>
internal static class StructuralSchema
{
    private static readonly Dictionary<Type, (string Type, string? Format)> Scalars = new()
    {
        [typeof(string)] = ("string", null),
        [typeof(bool)] = ("boolean", null),
        [typeof(int)] = ("integer", "int32"),
        [typeof(long)] = ("integer", "int64"),
        [typeof(float)] = ("number", "float"),
        [typeof(double)] = ("number", "double"),
        [typeof(DateTime)] = ("string", "date-time"),
        [typeof(DateTimeOffset)] = ("string", "date-time"),
        [typeof(byte[])] = ("string", "byte"),
    };

    public static JsonObject OfEntity(Type entity)
    {
        var properties = new JsonObject
        {
            ["apiVersion"] = new JsonObject { ["type"] = "string" },
            ["kind"] = new JsonObject { ["type"] = "string" },
            ["metadata"] = new JsonObject { ["type"] = "object" },
        };
        foreach (var (name, property) in SchemaProperties.Of(entity))
            if (!properties.ContainsKey(name)) properties[name] = OfProperty(property);
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        // A spec with a required field is itself required; without one, an empty resource is a whole one.
        if (properties["spec"]?["required"] is not null) schema["required"] = Json.Strings(["spec"]);
        SchemaConstraints.AddTo(schema, entity);
        return schema;
    }

    public static JsonObject OfProperty(PropertyInfo property)
    {
        var schema = OfType(property.PropertyType);
        if (FillsIn(property, schema)) schema["default"] = new JsonObject();
        SchemaConstraints.AddTo(schema, property);
        return schema;
    }

    private static JsonObject OfType(Type declared)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (Scalars.TryGetValue(type, out var scalar))
        {
            var schema = new JsonObject { ["type"] = scalar.Type };
            if (scalar.Format is { } format) schema["format"] = format;
            return schema;
        }

        if (type == typeof(IntOrString) || type == typeof(ResourceQuantity)) return new JsonObject { ["x-kubernetes-int-or-string"] = true };
        if (type.IsEnum) return new JsonObject { ["type"] = "string", ["enum"] = Json.Strings(Enum.GetNames(type)) };
        if (Argument(type, typeof(IDictionary<,>)) is [_, var value]) return new JsonObject { ["type"] = "object", ["additionalProperties"] = OfType(value) };
        if (Argument(type, typeof(IEnumerable<>)) is [var item]) return new JsonObject { ["type"] = "array", ["items"] = OfType(item) };
        return OfObject(type);
    }

    private static JsonObject OfObject(Type type)
    {
        var properties = new JsonObject();
        var required = new List<string>();
        foreach (var (name, property) in SchemaProperties.Of(type))
        {
            properties[name] = OfProperty(property);
            if (property.GetCustomAttribute<RequiredAttribute>() is not null) required.Add(name);
        }

        var schema = new JsonObject { ["type"] = "object" };
        if (properties.Count > 0) schema["properties"] = properties;
        if (required.Count > 0) schema["required"] = Json.Strings(required);
        SchemaConstraints.AddTo(schema, type);
        return schema;
    }

    /// <summary>
    /// An object that is never null and can be empty is filled in by the server: only then do the defaults of its fields reach
    /// the stored resource, and only then can a rule compare them with what they were.
    /// </summary>
    private static bool FillsIn(PropertyInfo property, JsonObject schema) =>
        (string?)schema["type"] == "object" && schema["properties"] is not null && schema["required"] is null && property.Name != "Status"
        && SchemaProperties.IsOwnObject(property.PropertyType)
        && new NullabilityInfoContext().Create(property).ReadState == NullabilityState.NotNull;

    private static Type[]? Argument(Type type, Type generic) =>
        (type.IsGenericType && type.GetGenericTypeDefinition() == generic ? type
            : type.GetInterfaces().FirstOrDefault(implemented => implemented.IsGenericType && implemented.GetGenericTypeDefinition() == generic))
        ?.GetGenericArguments();
}
