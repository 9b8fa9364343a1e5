using k8s.Models;

namespace Raft.Operator.Planning.Objects;

/// <summary>The hash by which a pod is known to come from a template.</summary>
public static class TemplateHash
{
    /// <summary>The hash written into <paramref name="template"/>; null if there is none.</summary>
    public static string? Of(V1PodTemplateSpec? template) =>
        template?.Metadata?.Annotations?.TryGetValue(Labels.TemplateHash, out var hash) == true ? hash : null;
}
