using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Operator.Caching;

namespace KubeOps.Operator.Watching;

/// <summary>Whether a change of an entity calls for a reconciliation, or only echoes what the operator wrote itself.</summary>
public static class ChangeFilter
{
    /// <summary>
    /// With <see cref="ReconcileStrategy.ByGeneration"/>, changes of the spec, labels, annotations, finalizers and deletion
    /// count; changes of the status do not.
    /// </summary>
    public static bool Matters<TEntity>(ObjectChange<TEntity> change, ReconcileStrategy strategy)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        if (strategy == ReconcileStrategy.ByResourceVersion || change is not { Before.Metadata: { } before, After.Metadata: { } after }) return true;
        return before.Generation != after.Generation
            || before.Uid != after.Uid
            || before.DeletionTimestamp != after.DeletionTimestamp
            || !SameText(before.Labels, after.Labels)
            || !SameText(before.Annotations, after.Annotations)
            || !(before.Finalizers ?? []).SequenceEqual(after.Finalizers ?? []);
    }

    private static bool SameText(IDictionary<string, string>? before, IDictionary<string, string>? after) =>
        (before?.Count ?? 0) == (after?.Count ?? 0)
        && (before is null || before.All(pair => after!.TryGetValue(pair.Key, out var value) && value == pair.Value));
}
