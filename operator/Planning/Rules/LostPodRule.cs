namespace Raft.Operator.Planning.Rules;

/// <summary>
/// A pod that hangs on a lost node past a deadline. Its process may still run there, so neither its volume nor its identity
/// can be handed to a new pod: the member leaves first, then its claim and its pod are deleted, and the ordinal starts anew.
/// </summary>
public static class LostPodRule
{
    /// <summary>The next step of replacing a lost pod.</summary>
    public static Step? Decide(ClusterView view)
    {
        if (view.Seats.FirstOrDefault(seat => IsLost(view, seat)) is not { Pod: { } pod } lost) return null;
        if (lost.Record is { } record)
            return view.SafeToRemove(lost)
                ? new Step.RemoveMember($"{lost.Name} was on node {pod.Node}, which is lost; a new member is to take its place", lost.Name, record.Id)
                : new Step.Wait($"{lost.Name} was on node {pod.Node}, which is lost, but too few others are healthy to replace it", Pace.Soon);
        if (lost.Volume is { Terminating: false } volume)
            return new Step.DeleteVolumeClaim($"{volume.Name} belonged to a member on a lost node", volume.Name, volume.Uid);
        return new Step.DeletePod($"{lost.Name} hangs on node {pod.Node}, which is lost", pod.Name, pod.Uid, Force: true);
    }

    /// <summary>Whether the pod should have been gone long ago and its node cannot say whether it is.</summary>
    public static bool IsLost(ClusterView view, Seat seat) =>
        seat.Pod is { GoneBy: { } due, NodeLost: true }
        && view.Now >= due + TimeSpan.FromSeconds(view.Desired.Cluster.Spec.Recovery.LostPodSeconds);
}
