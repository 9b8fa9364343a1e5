namespace Raft.Operator.Planning.Rules;

/// <summary>
/// A volume and an identity belong together. A member whose volume is blank cannot come back, because it has forgotten whom it
/// voted for: it leaves, and its ordinal gets a new member. A volume of a member that has left is deleted before its ordinal is
/// used again: the old member must not come back to life.
/// </summary>
public static class LostVolumeRule
{
    /// <summary>Removes a voter that has forgotten everything.</summary>
    public static Step? BlankVoter(ClusterView view)
    {
        if (view.Seats.FirstOrDefault(seat => seat is { IsVoter: true, Awaiting: true }) is not { } blank) return null;
        return view.SafeToRemove(blank)
            ? new Step.RemoveMember($"{blank.Name} has lost its volume; a new member is to take its place", blank.Name, blank.Record!.Id)
            : new Step.Wait($"{blank.Name} has lost its volume, but too few others are healthy to replace it", Pace.Soon);
    }

    /// <summary>Deletes a volume whose member is not one any more, and the pod that holds on to it.</summary>
    public static Step? StaleVolume(ClusterView view)
    {
        // Volumes of members that were scaled in are the scale-in's to keep or to delete.
        var used = Math.Min(view.StatefulSetReplicas, view.Desired.Replicas);
        foreach (var seat in view.Seats.Where(seat => seat.Ordinal < used && IsStale(view, seat)))
        {
            if (seat.Volume is { Terminating: false } volume)
                return new Step.DeleteVolumeClaim($"{volume.Name} holds data of a member that was removed", volume.Name, volume.Uid);
            if (seat.Pod is { Terminating: false } pod)
                return new Step.DeletePod($"{seat.Name} uses a volume that is to go", pod.Name, pod.Uid, Force: false);
        }
        return null;
    }

    private static bool IsStale(ClusterView view, Seat seat)
    {
        // A volume of another cluster is not ours to delete.
        if (seat.Identity is { } identity) return identity.ClusterId == view.ClusterId && IsNotListed(view, identity.MemberId);
        return !seat.Awaiting && seat.Volume is { MemberId: { } id } volume && volume.ClusterUid == view.Desired.Uid && IsNotListed(view, id);
    }

    private static bool IsNotListed(ClusterView view, MemberId id) => view.Records.All(record => record.Id != id);
}
