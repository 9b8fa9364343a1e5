using k8s;
using k8s.Models;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Planning.Rules;

/// <summary>Account, Services and budget exist, where they are wanted, and say what they should; what others changed is put back.</summary>
public static class ObjectRule
{
    /// <summary>The first object that is missing, different or not wanted.</summary>
    public static Step? Decide(ClusterView view)
    {
        foreach (var wanted in Wanted(view))
        {
            var found = view.Observation.Objects.FirstOrDefault(
                other => other.Metadata.Name == wanted.Metadata.Name && other.GetType() == wanted.GetType());
            var what = $"{wanted.Kind} {wanted.Metadata.Name}";
            if (found is null) return new Step.CreateOrUpdateObject($"{what} is missing", wanted);
            if (Ownership.IsForeign(found, view.Desired.Uid) || found.Metadata.DeletionTimestamp is not null)
                return new Step.Wait($"{what} belongs to an earlier cluster of this name that is still being deleted", Pace.Soon);
            if (ObjectDrift.Differs(wanted, found)) return new Step.CreateOrUpdateObject($"{what} differs from what it should be", wanted);
        }
        return UnwantedBudget(view) is { } budget
            ? new Step.DeleteDisruptionBudget(
                "spec.disruptionBudget.enabled is false", budget.Metadata.Name, budget.Metadata.Uid, view.Observation.Features.PolicyV1)
            : null;
    }

    /// <summary>A budget that we made, before the spec said that there is to be none. One that somebody else made is theirs.</summary>
    private static V1PodDisruptionBudget? UnwantedBudget(ClusterView view) =>
        view.Desired.Cluster.Spec.DisruptionBudget.Enabled
            ? null
            : view.Observation.Objects.OfType<V1PodDisruptionBudget>().FirstOrDefault(
                budget => Ownership.IsOurs(budget, view.Desired.Uid) && budget.Metadata.DeletionTimestamp is null);

    private static IEnumerable<IKubernetesObject<V1ObjectMeta>> Wanted(ClusterView view)
    {
        yield return view.Desired.ServiceAccount;
        yield return view.Desired.PeerService;
        yield return view.Desired.ClientService;
        if (view.Desired.Cluster.Spec.DisruptionBudget.Enabled)
            yield return view.Desired.DisruptionBudget(MaxUnavailable(view), view.Observation.Features.PolicyV1);
    }

    /// <summary>
    /// Pods that may be evicted at once: what the quorum can spare, and none in the middle of a membership change. A cluster
    /// that can never spare one, of one or two members, still allows one, or its nodes could never be drained.
    /// </summary>
    public static int MaxUnavailable(ClusterView view)
    {
        var changing = view.Records.Any(record => record.IsLearner) || (view.MembersKnown && view.VoterCount == 2 && view.Desired.Replicas != 2);
        if (changing) return 0;
        // Not yet formed, or nobody can say who is in it: what the spec asks for is the best guess.
        var voters = view.VoterCount > 0 ? Math.Min(view.VoterCount, view.Desired.Replicas) : view.Desired.Replicas;
        return view.Desired.Cluster.Spec.DisruptionBudget.MaxUnavailable ?? Math.Max(1, (voters - 1) / 2);
    }
}
