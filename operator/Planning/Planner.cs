using System.Collections.Immutable;
using Raft.Operator.Planning.Observation;
using Raft.Operator.Planning.Reporting;
using Raft.Operator.Planning.Rules;

namespace Raft.Operator.Planning;

/// <summary>Decides the one next safe step, from what is asked and what was seen, and from nothing else.</summary>
public static class Planner
{
    /// <summary>A rule: a step if it has something to say, null to let the next one speak.</summary>
    public sealed record Rule(string Name, Func<ClusterView, Step?> Decide);

    /// <summary>
    /// The rules; the first with something to say decides. Their order is the safety policy: what mends comes before what
    /// changes, nothing after `quorum` happens without one, and a change that was begun ends before another starts.
    /// </summary>
    public static readonly ImmutableArray<Rule> Rules =
    [
        new("deleting", PermissionRule.Deleting),
        new("paused", PermissionRule.Paused),
        new("invalid spec", PermissionRule.Invalid),
        new("certificates", CertificateRule.Decide),
        new("objects", ObjectRule.Decide),
        new("volumes grow", VolumeGrowthRule.Claims),
        new("claim template", VolumeGrowthRule.Template),
        new("stateful set", StatefulSetRule.Decide),
        new("pod without claim", StuckPodRule.WithoutClaim),
        new("pod of an earlier cluster", StuckPodRule.OfEarlierCluster),
        new("stuck pod", StuckPodRule.Outdated),
        new("bootstrap", BootstrapRule.Decide),
        new("quorum", QuorumRule.Decide),
        new("learner", LearnerRule.Decide),
        new("lost pod", LostPodRule.Decide),
        new("blank voter", LostVolumeRule.BlankVoter),
        new("stale volume", LostVolumeRule.StaleVolume),
        new("scale in", ScaleInRule.Decide),
        new("scale out", ScaleOutRule.Decide),
        new("roll", RollRule.Decide),
        new("surplus volume", SurplusVolumeRule.Delete),
        new("adopt volume", SurplusVolumeRule.Adopt),
        new("recovery", RecoveryRule.Decide),
    ];

    /// <summary>Plans for <paramref name="desired"/> as seen in <paramref name="observation"/> at the time <paramref name="now"/>.</summary>
    public static Plan Plan(DesiredState desired, ClusterObservation observation, DateTimeOffset now)
    {
        var view = new ClusterView(desired, observation, now);
        foreach (var rule in Rules)
            if (rule.Decide(view) is { } step)
                return new Plan(rule.Name, step, StatusReport.Of(view, rule.Name, step));
        var nothing = new Step.Nothing();
        return new Plan("settled", nothing, StatusReport.Of(view, "settled", nothing));
    }
}
