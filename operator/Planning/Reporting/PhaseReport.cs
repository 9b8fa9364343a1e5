using Raft.Operator.Api;

namespace Raft.Operator.Planning.Reporting;

/// <summary>The phase: one word for people, read off the rule that decided and the conditions.</summary>
public static class PhaseReport
{
    /// <summary>The phase while <paramref name="step"/> is next.</summary>
    public static string Of(ClusterView view, string rule, Step step, IReadOnlyList<ClusterCondition> conditions)
    {
        if (rule == "deleting") return Phases.Deleting;
        if (rule == "invalid spec") return Phases.Invalid;
        if (Is(conditions, ConditionTypes.QuorumLost)) return Phases.QuorumLost;
        if (rule == "paused") return Phases.Paused;
        if (!view.Bootstrapped) return Phases.Creating;
        return rule switch
        {
            "scale in" => Phases.Scaling,
            "learner" or "scale out" => view.VoterCount < view.Desired.Replicas && WasHealing(view) ? Phases.Healing : Phases.Scaling,
            "lost pod" or "blank voter" or "stale volume" => Phases.Healing,
            "roll" or "stuck pod" => Phases.Updating,
            _ => Is(conditions, ConditionTypes.Degraded) ? Phases.Degraded : Phases.Running,
        };
    }

    // A member that is replaced goes through the same steps as one that is added: what was being done before tells them apart.
    private static bool WasHealing(ClusterView view) => view.Status.Phase is Phases.Healing or Phases.Degraded;

    private static bool Is(IReadOnlyList<ClusterCondition> conditions, string type) =>
        conditions.Any(condition => condition.Type == type && condition.Status == "True");
}
