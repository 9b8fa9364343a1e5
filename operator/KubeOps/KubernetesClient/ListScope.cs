namespace KubeOps.KubernetesClient;

/// <summary>Which objects a list or watch is about.</summary>
/// <param name="Path">Their type; a server may know it only in an older version than the type's own.</param>
/// <param name="Namespace">Their namespace; all if null.</param>
/// <param name="LabelSelector">Labels that they must have; null: any.</param>
/// <param name="FieldSelector">Values of fields that they must have; null: any.</param>
/// <param name="MetadataOnly">Whether only their metadata is sent.</param>
public sealed record ListScope(
    ResourcePath Path, string? Namespace = null, string? LabelSelector = null, string? FieldSelector = null, bool MetadataOnly = false);
