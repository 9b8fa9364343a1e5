using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raft.Operator.Host.Options;

/// <summary>
/// The schema of the raft-cluster chart's values: what the definition says of the spec, and that there is nothing else. So a
/// misspelt value is refused by Helm, where the API server would silently drop it.
/// </summary>
internal static class ChartValuesSchema
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(JsonObject definition)
    {
        var spec = definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;
        var schema = Closed(spec).AsObject();
        // The chart fills these in, or they are Helm's own.
        schema.Remove("required");
        schema["properties"]!["nameOverride"] = new JsonObject { ["type"] = "string", ["maxLength"] = 40 };
        schema["properties"]!["global"] = new JsonObject { ["type"] = "object" };
        schema["properties"]!["version"]!.AsObject().Remove("pattern");
        schema["$schema"] = "http://json-schema.org/draft-07/schema#";
        return schema.ToJsonString(Indented) + "\n";
    }

    private static JsonNode Closed(JsonNode node)
    {
        if (node is JsonArray array) return new JsonArray([.. array.Select(item => item is null ? null : Closed(item))]);
        if (node is not JsonObject fields) return node.DeepClone();
        if (fields["x-kubernetes-int-or-string"] is not null) return new JsonObject { ["type"] = new JsonArray("integer", "string") };
        var closed = new JsonObject();
        foreach (var (name, value) in fields)
            // Kubernetes' own words mean nothing to Helm, and formats are not all JSON Schema's.
            if (!name.StartsWith("x-kubernetes-", StringComparison.Ordinal) && name != "format" && value is not null) closed[name] = Closed(value);
        if (closed["type"] is JsonValue && closed["properties"] is JsonObject) closed["additionalProperties"] = false;
        return closed;
    }
}
