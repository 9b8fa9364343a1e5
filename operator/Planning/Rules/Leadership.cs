namespace Raft.Operator.Planning.Rules;

/// <summary>To whom leadership may be handed.</summary>
public static class Leadership
{
    /// <summary>
    /// A healthy, caught-up voter with the newest template that stays; the lowest ordinal of several, as that one is scaled in
    /// last. Without <paramref name="updatedOnly"/> an outdated one will do where no updated one is there. <paramref name="below"/>: ordinals that may take over, if not those that the spec asks for.
    /// </summary>
    public static Seat? Target(ClusterView view, bool updatedOnly, int? below = null) =>
        view.Seats
            .Where(seat => seat is { IsVoter: true, Healthy: true, CaughtUp: true } && seat.Ordinal < (below ?? view.Desired.Replicas))
            .Where(seat => seat.Record!.Id != view.LeaderId && (!updatedOnly || !view.Outdated(seat)))
            .OrderBy(view.Outdated).ThenBy(seat => seat.Ordinal)
            .FirstOrDefault();
}
