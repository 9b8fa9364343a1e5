namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Gives every pod the newest template: followers one at a time, the highest ordinal first, each back, healthy and caught up
/// before the next; then leadership is moved, once, to a member that has it, and the old leader comes last. The first pod that
/// does not come back stops the roll. Rules before this one see to it that no membership change is going on.
/// </summary>
public static class RollRule
{
    /// <summary>The next step of the roll; null if every pod is up to date.</summary>
    public static Step? Decide(ClusterView view)
    {
        var outdated = view.Seats.Where(view.Outdated).ToList();
        if (outdated.Count == 0) return null;
        if (view.Seats.FirstOrDefault(seat => seat.Ordinal < view.Desired.Replicas && seat is not { Healthy: true, CaughtUp: true }) is { } behind)
            return new Step.Wait(
                view.Outdated(behind) || behind.Pod is null
                    ? $"{behind.Name} has to recover before the roll goes on"
                    : $"{behind.Name} has not come back with the newest template: {behind.Pod.Trouble ?? "it is starting"}", Pace.Soon);

        if (outdated.LastOrDefault(seat => seat.Record?.Id != view.LeaderId) is { } follower)
            // Of one or two members none can be spared: all being well, a restart is what was asked for.
            return view.QuorumWithout(follower) || view.VoterCount <= 2
                ? Restart(follower)
                : new Step.Wait($"{follower.Name} cannot be spared yet", Pace.Soon);

        var leader = outdated[0];
        if (view.VoterCount == 1) return Restart(leader);
        return Leadership.Target(view, updatedOnly: true) is { } target
            ? new Step.MoveLeader($"{leader.Name} leads and comes last; {target.Name} is up to date", leader.Name, target.Record!.Id, target.Name)
            : new Step.Wait($"{leader.Name} leads, and no other member can take over", Pace.Soon);
    }

    private static Step.DeletePod Restart(Seat seat) => new($"{seat.Name} gets the newest template", seat.Name, seat.Pod!.Uid);
}
