using k8s.Models;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Planning.Rules;

/// <summary>The StatefulSet exists, has the newest template, and never has fewer pods than there are members.</summary>
public static class StatefulSetRule
{
    /// <summary>Makes it, puts it right, or gives members their pods back.</summary>
    public static Step? Decide(ClusterView view)
    {
        var desired = view.Desired;
        if (view.Observation.StatefulSet is not { } existing)
        {
            var replicas = Math.Max(desired.Replicas, LeastReplicas(view));
            return new Step.CreateOrUpdateObject(
                $"StatefulSet {desired.Names.StatefulSet} is missing", desired.StatefulSet(replicas, desired.Template, desired.StorageSize));
        }

        if (Ownership.IsForeign(existing, desired.Uid) || existing.Metadata.DeletionTimestamp is not null)
            return new Step.Wait($"StatefulSet {existing.Metadata.Name} of before is still being deleted", Pace.Soon);
        if (view.StatefulSetReplicas < LeastReplicas(view))
            return new Step.ScaleStatefulSet(
                $"members up to {desired.Names.Pod(LeastReplicas(view) - 1)} need their pods", existing.Metadata.Name, existing.Metadata.Uid,
                LeastReplicas(view));

        var template = desired.Cluster.Spec.Updates.Hold ? existing.Spec.Template : desired.Template;
        var wanted = desired.StatefulSet(view.StatefulSetReplicas, template, StatefulSetBuilder.ClaimSize(existing) ?? desired.StorageSize);
        return Differs(wanted, existing)
            ? new Step.CreateOrUpdateObject($"StatefulSet {existing.Metadata.Name} differs from what it should be", wanted)
            : null;
    }

    /// <summary>
    /// Pods that must exist for every known member to have one. The spec is the truth, but a member leaves before its pod does;
    /// where nobody can say who is a member, those last seen are taken for members still.
    /// </summary>
    public static int LeastReplicas(ClusterView view)
    {
        if (!view.Bootstrapped) return 0;
        if (view.MembersKnown)
            // A learner that is not wanted any more needs no pod: it is about to be taken back.
            return view.Seats.Where(seat => seat.IsVoter || (seat.Record is not null && seat.Ordinal < view.Desired.Replicas)).Select(seat => seat.Ordinal + 1).DefaultIfEmpty(0).Max();
        return (view.Status.Members ?? []).Where(member => member.Id is not null).Select(member => member.Ordinal + 1).DefaultIfEmpty(0).Max();
    }

    // The claim template's labels name the cluster that it was made for, and cannot change when another takes it over.
    private static bool Differs(V1StatefulSet wanted, V1StatefulSet existing)
    {
        if (ReferenceEquals(wanted.Spec.Template, existing.Spec?.Template) && wanted.Spec.Replicas == existing.Spec!.Replicas) return false;
        wanted.Spec.VolumeClaimTemplates = existing.Spec?.VolumeClaimTemplates;
        return ObjectDrift.Differs(wanted, existing);
    }
}
