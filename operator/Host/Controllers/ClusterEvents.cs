using KubeOps.Abstractions.Events;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Controllers;

/// <summary>Tells people what is done and what changed, as events of the RaftCluster.</summary>
public sealed class ClusterEvents(EventPublisher publish)
{
    // Conditions whose being true is bad news.
    private static readonly HashSet<string> Bad = [ConditionTypes.Degraded, ConditionTypes.QuorumLost];

    // Conditions whose changes every step tells anyway.
    private static readonly HashSet<string> Told = [ConditionTypes.Progressing, ConditionTypes.UpToDate];

    /// <summary>A step was carried out, or could not be.</summary>
    public Task StepAsync(RaftCluster cluster, Plan plan, StepOutcome outcome, CancellationToken cancellationToken) => outcome.Succeeded
        ? publish(cluster, plan.Step.GetType().Name, plan.Step.Reason, EventType.Normal, cancellationToken)
        : publish(
            cluster, $"{plan.Step.GetType().Name}Failed", $"{plan.Step.Reason}; it failed: {outcome.Problem}", EventType.Warning, cancellationToken);

    /// <summary>The status was written: conditions that turned are told.</summary>
    public async Task ChangedAsync(RaftCluster before, Plan plan, CancellationToken cancellationToken)
    {
        var old = (before.Status?.Conditions ?? []).ToDictionary(condition => condition.Type, StringComparer.Ordinal);
        foreach (var now in plan.Status.Conditions ?? [])
        {
            if (Told.Contains(now.Type)) continue;
            var good = now.Status == (Bad.Contains(now.Type) ? "False" : "True");
            // A new cluster is not told that nothing is wrong with it.
            if (old.TryGetValue(now.Type, out var was) ? was.Status == now.Status && was.Reason == now.Reason : good) continue;
            await publish(
                before, now.Reason ?? now.Type, $"{now.Type} is {now.Status}: {now.Message}", good ? EventType.Normal : EventType.Warning, cancellationToken);
        }
    }
}
