namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Fewer members: the highest ordinal first, and for each the member, then its pod, then its volume if the spec says so. The
/// next one only after that.
/// </summary>
public static class ScaleInRule
{
    /// <summary>The next step towards fewer members.</summary>
    public static Step? Decide(ClusterView view)
    {
        var replicas = view.Desired.Replicas;
        var staying = Math.Max(replicas, StatefulSetRule.LeastReplicas(view));
        if (view.StatefulSetReplicas > staying && view.Observation.StatefulSet is { } statefulSet)
            return new Step.ScaleStatefulSet(
                $"{view.Desired.Names.Pod(view.StatefulSetReplicas - 1)} is no member any more", statefulSet.Metadata.Name, statefulSet.Metadata.Uid,
                staying);
        if (view.Seats.LastOrDefault(seat => seat.Pod is not null && seat.Ordinal >= view.StatefulSetReplicas) is { } going)
            return new Step.Wait($"pod {going.Name} is going", Pace.Soon);
        if (SurplusVolumeRule.Delete(view) is { } volume) return volume;
        if (view.Seats.LastOrDefault(seat => seat.Record is not null && seat.Ordinal >= replicas) is not { } leaving) return null;
        // Somebody who stays must be there to take over: an ordinal that lost its member gets a new one first.
        if (!view.Seats.Any(seat => seat.IsVoter && seat.Ordinal < replicas)) return null;

        if (leaving.Record!.Id == view.LeaderId)
            return (Leadership.Target(view, updatedOnly: false) ?? Leadership.Target(view, updatedOnly: false, leaving.Ordinal)) is { } target
                ? new Step.MoveLeader($"{leaving.Name} leads and is to leave", leaving.Name, target.Record!.Id, target.Name)
                : new Step.Wait($"{leaving.Name} is to leave, but nobody can take its leadership over", Pace.Soon);
        return view.SafeToRemove(leaving)
            ? new Step.RemoveMember($"{replicas} members are asked for: {leaving.Name} leaves", leaving.Name, leaving.Record.Id)
            : new Step.Wait($"{leaving.Name} is to leave, but too few others are healthy", Pace.Soon);
    }
}
