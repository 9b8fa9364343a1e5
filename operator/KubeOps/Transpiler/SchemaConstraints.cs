using System.Reflection;
using System.Text.Json.Nodes;
using KubeOps.Abstractions.Entities.Attributes;

namespace KubeOps.Transpiler;

/// <summary>What attributes add to the schema of the class or property that they stand on.</summary>
internal static class SchemaConstraints
{
    public static void AddTo(JsonObject schema, MemberInfo member)
    {
        foreach (var attribute in member.GetCustomAttributes()) Add(schema, attribute);
    }

    private static void Add(JsonObject schema, Attribute attribute)
    {
        switch (attribute)
        {
            case DescriptionAttribute description: schema["description"] = description.Description; break;
            case ExternalDocsAttribute docs: schema["externalDocs"] = Docs(docs); break;
            case ExampleAttribute example: schema["example"] = Json.Value(example.Value); break;
            case FormatAttribute format: schema["format"] = format.Format; break;
            case DefaultValueAttribute value: schema["default"] = Json.Value(value.Value); break;
            case EnumValuesAttribute values: schema["enum"] = Json.Strings(values.Values); break;
            case PatternAttribute pattern: schema["pattern"] = pattern.RegexPattern; break;
            case LengthAttribute length: Bounds(schema, "minLength", length.MinLength, "maxLength", length.MaxLength); break;
            case ItemsAttribute items: Bounds(schema, "minItems", items.MinItems, "maxItems", items.MaxItems); break;
            case RangeMinimumAttribute minimum: Range(schema, "minimum", minimum.Minimum, "exclusiveMinimum", minimum.ExclusiveMinimum); break;
            case RangeMaximumAttribute maximum: Range(schema, "maximum", maximum.Maximum, "exclusiveMaximum", maximum.ExclusiveMaximum); break;
            case PreserveUnknownFieldsAttribute: schema["x-kubernetes-preserve-unknown-fields"] = true; break;
            case EmbeddedResourceAttribute: schema["x-kubernetes-embedded-resource"] = true; break;
            case XListTypeAttribute list: schema["x-kubernetes-list-type"] = Lower(list.ListType); break;
            case XListMapKeysAttribute keys: schema["x-kubernetes-list-map-keys"] = Json.Strings(keys.Keys); break;
            case XMapTypeAttribute map: schema["x-kubernetes-map-type"] = Lower(map.MapType); break;
            case ValidationRuleAttribute rule: AddRule(schema, rule); break;
            default: break;
        }
    }

    private static JsonObject Docs(ExternalDocsAttribute docs)
    {
        var value = new JsonObject { ["url"] = docs.Url };
        if (docs.Description is not null) value["description"] = docs.Description;
        return value;
    }

    private static void Bounds(JsonObject schema, string leastName, long? least, string mostName, long? most)
    {
        if (least is { } minimum) schema[leastName] = minimum;
        if (most is { } maximum) schema[mostName] = maximum;
    }

    private static void Range(JsonObject schema, string boundName, double bound, string exclusiveName, bool exclusive)
    {
        schema[boundName] = Json.Value(bound);
        if (exclusive) schema[exclusiveName] = true;
    }

    // A property's rules come after those of its type.
    private static void AddRule(JsonObject schema, ValidationRuleAttribute attribute)
    {
        var rule = new JsonObject { ["rule"] = attribute.Rule };
        if (attribute.Message is { } message) rule["message"] = message;
        if (attribute.MessageExpression is { } expression) rule["messageExpression"] = expression;
        if (attribute.Reason is { } reason) rule["reason"] = reason;
        if (attribute.FieldPath is { } path) rule["fieldPath"] = path;
        if (schema["x-kubernetes-validations"] is not JsonArray rules) schema["x-kubernetes-validations"] = rules = [];
        rules.Add((JsonNode)rule);
    }

    private static string Lower(Enum value) => value.ToString().ToLowerInvariant();
}
