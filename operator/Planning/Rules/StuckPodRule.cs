using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Pods that cannot work as they are and that no member depends on: those without a claim, those of an earlier cluster, and
/// those that a corrected template can help. This comes before any question of health, so that a correction is never refused
/// because of the very damage that it mends.
/// </summary>
public static class StuckPodRule
{
    private static readonly TimeSpan ClaimAppears = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A pod that waits for a claim which somebody deleted waits for ever: only with a new pod does the StatefulSet make a new claim.
    /// </summary>
    public static Step? WithoutClaim(ClusterView view) =>
        view.Seats.FirstOrDefault(seat => seat.Volume is null && seat.Pod is { Node: null, Ready: false, Terminating: false } pod
            && view.Now - pod.CreatedAt > ClaimAppears) is { } stuck
            ? new Step.DeletePod($"{stuck.Name} waits for a volume claim that was deleted", stuck.Name, stuck.Pod!.Uid)
            : null;

    /// <summary>A pod left over from a cluster of the same name is made anew, on its volume.</summary>
    public static Step? OfEarlierCluster(ClusterView view)
    {
        if (!view.Seats.Any(seat => IsForeign(seat.Pod, view))) return null;
        var next = view.Seats.LastOrDefault(seat => IsForeign(seat.Pod, view) && !seat.Pod!.Terminating);
        return next is null ? null : new Step.DeletePod($"{next.Name} was made for an earlier cluster of this name", next.Name, next.Pod!.Uid);
    }

    /// <summary>Replaces one pod that does not work and was not made from the newest template, if nothing else is in flight.</summary>
    public static Step? Outdated(ClusterView view)
    {
        var stuck = view.Seats.Where(seat => view.Outdated(seat) && IsUseless(view, seat)).OrderByDescending(seat => seat.Ordinal).FirstOrDefault();
        if (stuck is null) return null;
        if (InFlight(view) is { } other)
            return new Step.Wait($"{stuck.Name} needs the newest template, but {other.Name} has to come up with it first", Pace.Soon);
        return new Step.DeletePod(
            $"{stuck.Name} does not work ({stuck.Pod!.Trouble ?? "not ready"}) and gets the newest template", stuck.Name, stuck.Pod.Uid);
    }

    private static bool IsForeign(PodView? pod, ClusterView view) => pod?.ClusterUid is { } uid && uid != view.Desired.Uid;

    private static bool IsUseless(ClusterView view, Seat seat)
    {
        if (seat.Pod is not { Ready: false, Terminating: false } pod) return false;
        if (seat.Awaiting) return true;
        var stuckFor = view.Now - (pod.ReadyChangedAt ?? pod.CreatedAt);
        // A member that takes part but is not ready counts towards the quorum: without it the others must be enough.
        if (seat.Serving) return stuckFor > Pace.ComeBack && ServingWithout(view, seat) >= ClusterView.QuorumOf(view.VoterCount);
        return pod.Trouble is not null || stuckFor > Pace.ComeBack;
    }

    private static int ServingWithout(ClusterView view, Seat seat) =>
        view.Seats.Count(other => other is { IsVoter: true, Serving: true, Pod.Terminating: false } && other.Ordinal != seat.Ordinal);

    /// <summary>A pod on its way: going, missing, or new and not answering yet. One that nobody can place testifies to nothing.</summary>
    private static Seat? InFlight(ClusterView view) => view.Seats.FirstOrDefault(seat => IsExpected(view, seat) && seat.Pod switch
    {
        null => seat.Ordinal < view.StatefulSetReplicas,
        { GoneBy: { } due } => view.Now < due + Pace.ComeBack,
        { Ready: true } => false,
        { Trouble: "Unschedulable" } or { NodeLost: true } => false,
        _ => !view.Outdated(seat) && seat.Probe is MemberProbe.Unreachable,
    });

    /// <summary>
    /// Whether the seat's pod can come up at all. A member that has left stops as soon as it learns so, and its pod, which goes
    /// only when there is time to scale in, would be waited for in vain.
    /// </summary>
    private static bool IsExpected(ClusterView view, Seat seat) =>
        !view.HoldsFormerMember(seat) && (seat.Record is not null || seat.Ordinal < view.Desired.Replicas);
}
