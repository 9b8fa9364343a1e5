using System.Text.Json;
using k8s;
using k8s.Models;

namespace Raft.Operator.Planning.Objects;

/// <summary>
/// Whether an object still says what we want it to say. Fields that we do not set are other people's, or defaults that the
/// server filled in, and do not matter.
/// </summary>
public static class ObjectDrift
{
    /// <summary>True if some field of <paramref name="desired"/> is missing or different in <paramref name="observed"/>.</summary>
    public static bool Differs(IKubernetesObject<V1ObjectMeta> desired, IKubernetesObject<V1ObjectMeta> observed)
    {
        if (ReferenceEquals(desired, observed)) return false;
        using var wanted = JsonDocument.Parse(KubernetesJson.Serialize((object)desired));
        using var found = JsonDocument.Parse(KubernetesJson.Serialize((object)observed));
        return !Contains(found.RootElement, wanted.RootElement, quantity: false, top: true);
    }

    private static bool Contains(JsonElement found, JsonElement wanted, bool quantity, bool top = false)
    {
        switch (wanted.ValueKind)
        {
            case JsonValueKind.Null:
                return true;
            case JsonValueKind.Object:
                if (found.ValueKind != JsonValueKind.Object) return wanted.EnumerateObject().All(member => member.Value.ValueKind == JsonValueKind.Null);
                foreach (var member in wanted.EnumerateObject())
                {
                    // Objects from a list do not repeat their type.
                    if (top && member.Name is "apiVersion" or "kind") continue;
                    if (member.Value.ValueKind == JsonValueKind.Null) continue;
                    if (!found.TryGetProperty(member.Name, out var other))
                    {
                        if (IsEmpty(member.Value)) continue;
                        return false;
                    }
                    if (member.Name == "ownerReferences" ? OwnedByAll(other, member.Value)
                        : Contains(other, member.Value, quantity || member.Name is "requests" or "limits"))
                        continue;
                    return false;
                }
                return true;
            case JsonValueKind.Array:
                return found.ValueKind == JsonValueKind.Array && SameItems(found, wanted, quantity);
            case JsonValueKind.String when quantity && found.ValueKind == JsonValueKind.String:
                return Amount(found) == Amount(wanted);
            case JsonValueKind.String:
                return found.ValueKind == JsonValueKind.String && found.GetString() == wanted.GetString();
            default:
                return found.ValueKind == wanted.ValueKind && found.GetRawText() == wanted.GetRawText();
        }
    }

    // Others may own the object beside us.
    private static bool OwnedByAll(JsonElement found, JsonElement wanted) =>
        found.ValueKind == JsonValueKind.Array
        && wanted.EnumerateArray().All(owner => found.EnumerateArray().Any(other => Contains(other, owner, quantity: false)));

    private static bool SameItems(JsonElement found, JsonElement wanted, bool quantity)
    {
        if (found.GetArrayLength() != wanted.GetArrayLength()) return false;
        for (var index = 0; index < wanted.GetArrayLength(); index++)
            if (!Contains(found[index], wanted[index], quantity))
                return false;
        return true;
    }

    private static bool IsEmpty(JsonElement value) =>
        (value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any())
        || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);

    // The server writes 1024Mi as 1Gi: amounts are compared by what they mean.
    private static decimal Amount(JsonElement text) => new ResourceQuantity(text.GetString()).ToDecimal();
}
