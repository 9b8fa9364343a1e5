using System.Text.Json;
using System.Text.Json.Nodes;

namespace KubeOps.Transpiler;

/// <summary>JSON values from attributes' arguments.</summary>
internal static class Json
{
    public static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode?)JsonValue.Create(value))]);

    /// <summary>Whole numbers are written as such, whatever type the attribute holds them in.</summary>
    public static JsonNode? Value(object value) => value switch
    {
        double number when double.IsInteger(number) && Math.Abs(number) < 1e15 => JsonValue.Create((long)number),
        Enum name => JsonValue.Create(name.ToString()),
        _ => JsonSerializer.SerializeToNode(value),
    };
}
