using System.Reflection;
using System.Text.Json.Nodes;
using KubeOps.Abstractions.Entities.Attributes;

namespace KubeOps.Transpiler;

/// <summary>The columns of `kubectl get`: those of the class first, in the order written, then those of properties.</summary>
internal static class PrinterColumns
{
    public static JsonArray Of(Type entity)
    {
        var columns = new JsonArray();
        foreach (var column in entity.GetCustomAttributes<GenericAdditionalPrinterColumnAttribute>())
            columns.Add(Column(column.Name, column.Type, column.JsonPath, column.Priority, column.Description, column.Format));
        AddProperties(columns, entity, path: string.Empty, []);
        return columns;
    }

    private static void AddProperties(JsonArray columns, Type type, string path, Type[] above)
    {
        if (above.Contains(type)) return;
        foreach (var (name, property) in SchemaProperties.Of(type))
        {
            var here = $"{path}.{name}";
            if (property.GetCustomAttribute<AdditionalPrinterColumnAttribute>() is { } column)
            {
                var schema = StructuralSchema.OfProperty(property);
                columns.Add(Column(
                    column.Name ?? name, (string?)schema["type"] ?? "string", here, column.Priority,
                    property.GetCustomAttribute<DescriptionAttribute>()?.Description, (string?)schema["format"]));
            }

            if (SchemaProperties.IsOwnObject(property.PropertyType)) AddProperties(columns, property.PropertyType, here, [.. above, type]);
        }
    }

    private static JsonObject Column(
        string name, string type, string path, PrinterColumnPriority priority, string? description, string? format)
    {
        var column = new JsonObject { ["name"] = name, ["type"] = type, ["jsonPath"] = path };
        if (description is not null) column["description"] = description;
        if (format is not null) column["format"] = format;
        if (priority == PrinterColumnPriority.WideView) column["priority"] = 1;
        return column;
    }
}
