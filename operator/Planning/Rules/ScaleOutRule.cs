namespace Raft.Operator.Planning.Rules;

/// <summary>
/// More members, and new ones for ordinals that lost theirs: pods first, which wait with empty disks, then one learner at a
/// time. A claim left from an earlier member goes before its ordinal comes back.
/// </summary>
public static class ScaleOutRule
{
    /// <summary>The next step towards more members.</summary>
    public static Step? Decide(ClusterView view)
    {
        var replicas = view.Desired.Replicas;
        if (view.StatefulSetReplicas < replicas && view.Observation.StatefulSet is { } statefulSet)
            return LeftoverClaim(view) ?? new Step.ScaleStatefulSet(
                $"{replicas} members are asked for", statefulSet.Metadata.Name, statefulSet.Metadata.Uid, replicas);

        var vacant = view.Seats.Where(seat => seat.Ordinal < replicas && seat.Record is null).ToList();
        if (vacant.Count == 0) return null;
        return vacant.FirstOrDefault(seat => seat is { Awaiting: true, Volume.Terminating: false }) is { } ready
            ? new Step.AddLearner(
                $"{ready.Name} is to become a member", ready.Name, view.Desired.Names.PeerUrl(ready.Name, view.Desired.Cluster.Spec.Tls.Enabled),
                ready.Volume!.Name, ready.Volume.Uid)
            : new Step.Wait($"{vacant[0].Name} is not ready to become a member: {Why(vacant[0], view)}", Pace.Soon);
    }

    private static Step? LeftoverClaim(ClusterView view)
    {
        var leftover = view.Seats.FirstOrDefault(
            seat => seat.Volume is not null && seat.Ordinal >= view.StatefulSetReplicas && seat.Ordinal < view.Desired.Replicas)?.Volume;
        if (leftover is null) return null;
        if (leftover.Terminating) return new Step.Wait($"volume claim {leftover.Name} is being deleted", Pace.Soon);
        return leftover.ClusterUid == view.Desired.Uid
            ? new Step.DeleteVolumeClaim($"{leftover.Name} holds data of a member that was removed", leftover.Name, leftover.Uid)
            : new Step.Wait($"volume claim {leftover.Name} belongs to another cluster: delete it", Pace.Rarely);
    }

    private static string Why(Seat seat, ClusterView view) => seat switch
    {
        { Pod: null } => "there is no pod",
        { Pod.Trouble: { } trouble } => trouble,
        { Volume.Terminating: true } => "its old volume is being deleted",
        { Identity: { } identity } when identity.ClusterId != view.ClusterId => $"its volume is of cluster {identity.ClusterId}: delete its claim",
        { Probe: Observation.MemberProbe.Unreachable unreachable } => unreachable.Reason,
        _ => "it is starting",
    };
}
