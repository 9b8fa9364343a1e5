namespace Raft.Operator.Planning.Rules;

/// <summary>All is as asked only when every member is well; until then there is something to wait for, if nothing to do.</summary>
public static class RecoveryRule
{
    /// <summary>Waits for the first member that is not well.</summary>
    public static Step? Decide(ClusterView view) =>
        view.Seats.FirstOrDefault(seat => seat.Ordinal < view.Desired.Replicas && seat is not { IsVoter: true, Healthy: true, CaughtUp: true }) is { } ill
            ? new Step.Wait($"{ill.Name} is coming back: {ill.Pod?.Trouble ?? (ill.Pod is null ? "there is no pod" : "it is not ready")}", Pace.Soon)
            : null;
}
