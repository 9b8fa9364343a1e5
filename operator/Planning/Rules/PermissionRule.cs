namespace Raft.Operator.Planning.Rules;

/// <summary>Whether the operator may act at all: not while paused or deleted, and not on a spec that makes no sense.</summary>
public static class PermissionRule
{
    /// <summary>A deleted cluster's objects go with it: Kubernetes follows the owner references.</summary>
    public static Step? Deleting(ClusterView view) =>
        view.Desired.Cluster.Metadata.DeletionTimestamp is null ? null : new Step.Nothing("the cluster is being deleted");

    /// <summary>A person asked for hands off.</summary>
    public static Step? Paused(ClusterView view) =>
        view.Desired.Cluster.Spec.Paused ? new Step.Wait("spec.paused is true: nothing is changed", Pace.Rarely) : null;

    /// <summary>What cannot be meant is reported and the running cluster left as it is.</summary>
    public static Step? Invalid(ClusterView view) =>
        ProblemsOf(view) is [var first, ..] ? new Step.Wait($"the spec is refused: {first}", Pace.Rarely) : null;

    /// <summary>All problems of the spec, those with what exists included.</summary>
    public static IReadOnlyList<string> ProblemsOf(ClusterView view) =>
        view.Desired.Problems is { Count: > 0 } problems ? problems : [.. SpecProblems.FindAgainst(view.Desired, view.Observation)];
}
