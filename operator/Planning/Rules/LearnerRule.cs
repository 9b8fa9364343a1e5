using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// A change that was begun is finished, or taken back, before another starts. The member list says what was begun: an operator
/// that died after adding a learner finds it there, whatever the answer to its request was.
/// </summary>
public static class LearnerRule
{
    /// <summary>The next step of the change in hand; null if there is none.</summary>
    public static Step? Decide(ClusterView view)
    {
        if (view.Records.FirstOrDefault(record => record.IsLearner) is not { } learner) return null;
        var seat = view.Seats.FirstOrDefault(other => other.Record?.Id == learner.Id);
        if (seat is null || seat.Ordinal >= view.Desired.Replicas)
            return Remove(view, learner, "learner {0} is not wanted any more");
        if (seat.Awaiting)
            return learner.Started || seat.Volume is { Joining: false }
                ? Remove(view, learner, "learner {0} has lost its volume")
                : Initialize(view, seat, learner);
        if (seat.Identity is not { } identity)
            return LostPodRule.IsLost(view, seat)
                ? Remove(view, learner, "learner {0} was on a node that is lost")
                : new Step.Wait($"learner {seat.Name} does not answer: {((MemberProbe.Unreachable)seat.Probe).Reason}", Pace.Soon);
        if (identity.MemberId != learner.Id || identity.ClusterId != view.ClusterId)
            return LostVolumeRule.StaleVolume(view)
                ?? new Step.Wait($"{seat.Name} is member {identity.MemberId} of cluster {identity.ClusterId}, not learner {learner.Id}", Pace.Rarely);
        if (!seat.Healthy || !seat.CaughtUp) return new Step.Wait($"learner {seat.Name} is catching up", Pace.Soon);
        return new Step.PromoteLearner($"learner {seat.Name} has caught up", seat.Name, learner.Id);
    }

    private static Step Initialize(ClusterView view, Seat seat, MemberRecord learner) =>
        seat is { Volume: { Terminating: false } volume, Pod: { } pod }
            ? new Step.InitializeMember(
                $"{seat.Name} joins as member {learner.Id}", seat.Name, pod.Uid, volume.Name, volume.Uid, view.ClusterId!.Value, learner.Id,
                FormNewCluster: false)
            : new Step.Wait($"{seat.Name} has no volume claim of its own yet", Pace.Soon);

    private static Step.RemoveMember Remove(ClusterView view, MemberRecord learner, string reason) =>
        new(string.Format(System.Globalization.CultureInfo.InvariantCulture, reason, view.NameOf(learner)), view.NameOf(learner), learner.Id);
}
