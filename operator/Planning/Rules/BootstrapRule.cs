using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Founds the cluster, once. The identities are latched in the status before the first member hears of them, and that the
/// cluster exists is latched after; from then on this rule does nothing, whatever becomes of ordinal 0 or its volume.
/// </summary>
public static class BootstrapRule
{
    /// <summary>The next step towards one cluster that exists; null once it does.</summary>
    public static Step? Decide(ClusterView view)
    {
        if (view.Bootstrapped) return null;
        var identities = view.Seats.Where(seat => seat.Identity is not null && seat.Pod is { Terminating: false }).ToList();
        if (identities.Count > 0) return Recognise(view, identities);
        if (Resize(view) is { } resize) return resize;
        if (view.Seats.FirstOrDefault(seat => LostPodRule.IsLost(view, seat) && seat.KnownBlank(view.Desired.Uid)) is { Pod: { } lost })
            return new Step.DeletePod($"{lost.Name} hangs on node {lost.Node}, which is lost, and holds no data", lost.Name, lost.Uid, Force: true);
        if (view.Seats.FirstOrDefault(seat => !seat.KnownBlank(view.Desired.Uid)) is { } doubtful) return Doubt(doubtful);

        var first = view.SeatOf(0)!;
        if (!first.Awaiting) return new Step.Wait($"{first.Name} is starting: {Why(first)}", Pace.Soon);
        if (view.ClusterId is not { } cluster || MemberId.Parse(view.Status.FirstMemberId) is not { } member)
        {
            var (newCluster, newMember) = view.Observation.FreshIdentity;
            return new Step.LatchClusterIdentity($"cluster {newCluster} is to be founded", newCluster, newMember);
        }

        return first.Volume is { Terminating: false } volume
            ? new Step.InitializeMember(
                $"{first.Name} founds cluster {cluster} as member {member}", first.Name, first.Pod!.Uid, volume.Name, volume.Uid, cluster, member,
                FormNewCluster: true)
            : new Step.Wait($"{first.Name} has no volume claim of its own yet", Pace.Soon);
    }

    /// <summary>Members that know their cluster: ours founded just now, or one whose volumes outlived their RaftCluster.</summary>
    private static Step Recognise(ClusterView view, List<Seat> identities)
    {
        var found = identities[0].Identity!;
        if (identities.FirstOrDefault(seat => seat.Identity!.ClusterId != found.ClusterId) is { } other)
            return new Step.Wait(
                $"{identities[0].Name} holds data of cluster {found.ClusterId}, {other.Name} of cluster {other.Identity!.ClusterId}: "
                + "delete the claims of the one that is not wanted", Pace.Rarely);
        if (view.ClusterId is { } latched && latched != found.ClusterId)
            return new Step.Wait(
                $"{identities[0].Name} holds data of cluster {found.ClusterId}, but cluster {latched} is to be founded: delete its claim", Pace.Rarely);
        return new Step.LatchBootstrapped(
            $"cluster {found.ClusterId} exists", found.ClusterId, MemberId.Parse(view.Status.FirstMemberId) ?? found.MemberId);
    }

    private static Step.ScaleStatefulSet? Resize(ClusterView view)
    {
        var replicas = view.Desired.Replicas;
        if (view.StatefulSetReplicas == replicas || view.Observation.StatefulSet is not { } statefulSet) return null;
        var leaving = view.Seats.Where(seat => seat.Ordinal >= replicas);
        return view.StatefulSetReplicas > replicas && !leaving.All(seat => seat.KnownBlank(view.Desired.Uid))
            ? null
            : new Step.ScaleStatefulSet($"{replicas} members are asked for", statefulSet.Metadata.Name, statefulSet.Metadata.Uid, replicas);
    }

    private static Step.Wait Doubt(Seat seat) =>
        seat.Volume is { Terminating: true } ? new Step.Wait($"the volume claim of {seat.Name} is being deleted", Pace.Soon)
        : seat.Pod is null ? new Step.Wait(
            $"volume claim {seat.Volume!.Name} may hold data of an earlier cluster: ask for enough replicas to take it up, or delete it", Pace.Rarely)
        : new Step.Wait($"whether {seat.Name} holds data of a cluster is not known: {Why(seat)}", Pace.Soon);

    private static string Why(Seat seat) =>
        seat.Pod?.Trouble ?? (seat.Probe is MemberProbe.Unreachable unreachable ? unreachable.Reason : "it has not answered");
}
