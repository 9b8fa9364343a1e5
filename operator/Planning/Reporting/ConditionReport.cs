using System.Globalization;
using Raft.Operator.Api;
using Raft.Operator.Planning.Rules;

namespace Raft.Operator.Planning.Reporting;

/// <summary>The conditions: each a question with an answer, a reason in one word and a sentence.</summary>
public static class ConditionReport
{
    /// <summary>How long members may be without a quorum before it counts as lost: longer than a restart and an election take.</summary>
    public static readonly TimeSpan QuorumGrace = TimeSpan.FromSeconds(60);

    private sealed record Answer(bool? Value, string Reason, string Message);

    /// <summary>All conditions; the time of a change is kept where the answer did not change.</summary>
    public static List<ClusterCondition> Of(ClusterView view, string rule, Step step)
    {
        var valid = PermissionRule.ProblemsOf(view);
        var missing = view.Bootstrapped ? QuorumRule.Missing(view) : null;
        var available = Available(view, missing);
        return
        [
            Condition(view, ConditionTypes.Available, available),
            Condition(view, ConditionTypes.Progressing, Progressing(rule, step)),
            Condition(view, ConditionTypes.Degraded, Degraded(view, missing)),
            Condition(view, ConditionTypes.QuorumLost, QuorumLost(view, missing)),
            Condition(view, ConditionTypes.SpecValid, valid.Count == 0
                ? new Answer(true, "Valid", "the spec can be carried out")
                : new Answer(false, "Invalid", string.Join("; ", valid))),
            Condition(view, ConditionTypes.StorageResized, StorageResized(view)),
            Condition(view, ConditionTypes.UpToDate, UpToDate(view)),
        ];
    }

    private static Answer Available(ClusterView view, string? missing) =>
        !view.Bootstrapped ? new Answer(false, "NotFormed", "the cluster has not been founded yet")
        : missing is not null ? new Answer(false, "NoQuorum", missing)
        : new Answer(true, "QuorumHealthy", Counted(view));

    private static Answer Progressing(string rule, Step step) => step switch
    {
        Step.Nothing nothing => new Answer(false, "Settled", nothing.Reason),
        Step.Wait wait => new Answer(rule is not ("paused" or "invalid spec"), PascalCase(rule), wait.Reason),
        _ => new Answer(true, PascalCase(rule), step.Reason),
    };

    private static Answer Degraded(ClusterView view, string? missing)
    {
        if (!view.Bootstrapped)
            return view.Seats.FirstOrDefault(seat => seat.Pod?.Trouble is not null) is { } troubled
                ? new Answer(true, "PodTrouble", $"{troubled.Name}: {troubled.Pod!.Trouble}")
                : new Answer(false, "Forming", "the cluster is being founded");
        if (missing is not null) return new Answer(true, "NoQuorum", missing);
        var wanted = view.Seats.Where(seat => seat.Ordinal < view.Desired.Replicas).ToList();
        if (wanted.FirstOrDefault(seat => seat is not { IsVoter: true, Healthy: true, CaughtUp: true }) is not { } bad)
            return new Answer(false, "AllHealthy", Counted(view));
        return bad.Pod?.Trouble is { } trouble
            ? new Answer(true, "PodTrouble", $"{bad.Name}: {trouble}; {Counted(view)}")
            : new Answer(true, "MemberUnhealthy", $"{bad.Name} is not a healthy, caught-up voter; {Counted(view)}");
    }

    /// <summary>An outage that a restart explains is not a loss: only when it lasts is a person told that one may be needed.</summary>
    private static Answer QuorumLost(ClusterView view, string? missing)
    {
        if (missing is null) return new Answer(false, view.Bootstrapped ? "QuorumHealthy" : "NotFormed", Counted(view));
        var unavailable = Last(view, ConditionTypes.Available);
        var since = unavailable is { Status: "False", LastTransitionTime: { } at } ? At(at) : view.Now;
        return view.Now - since >= QuorumGrace || Last(view, ConditionTypes.QuorumLost)?.Status == "True"
            ? new Answer(true, "TooFewVoters", $"{missing}; {Survivors(view)}")
            : new Answer(false, "Interrupted", $"{missing}; for less than {QuorumGrace.TotalSeconds} s");
    }

    private static string Survivors(ClusterView view)
    {
        var survivors = view.Seats.Where(seat => seat.Identity?.Status is not null)
            .OrderByDescending(seat => seat.Identity!.Status!.Term).ThenByDescending(seat => seat.Identity!.Status!.CommitIndex)
            .Select(seat => string.Create(CultureInfo.InvariantCulture, $"{seat.Name} at index {seat.Identity!.Status!.CommitIndex}")).ToList();
        return survivors.Count == 0 ? "no member answers" : $"most advanced first: {string.Join(", ", survivors)}";
    }

    private static Answer StorageResized(ClusterView view)
    {
        if (view.Desired.Problems.Count > 0) return new Answer(null, "Invalid", "the spec makes no sense");
        var size = view.Desired.StorageSize;
        if (VolumeGrowthRule.TooSmall(view).FirstOrDefault(volume => volume.Expandable == false) is { } stuck)
            return new Answer(false, "ClassCannotExpand", $"{stuck.Name} cannot grow: its storage class does not allow it");
        if (VolumeGrowthRule.TooSmall(view).FirstOrDefault() is { } small) return new Answer(false, "Resizing", $"{small.Name} is to grow to {size}");
        return view.Observation.Volumes.FirstOrDefault(volume => volume.Capacity is { } real && real.ToDecimal() < size.ToDecimal()) is { } growing
            ? new Answer(false, "Resizing", $"{growing.Name} has {growing.Capacity} and is to have {size}")
            : new Answer(true, "Resized", $"every volume has {size}");
    }

    private static Answer UpToDate(ClusterView view)
    {
        if (view.Desired.Problems.Count > 0) return new Answer(null, "Invalid", "the spec makes no sense");
        var hash = Planning.Objects.TemplateHash.Of(view.Desired.Template);
        var outdated = view.Seats.Where(seat => seat.Pod is { } pod && pod.TemplateHash != hash).Select(seat => seat.Name).ToList();
        if (outdated.Count == 0) return new Answer(true, "UpToDate", "every pod has the newest template");
        return view.Desired.Cluster.Spec.Updates.Hold
            ? new Answer(false, "Held", $"updates are held back: {string.Join(", ", outdated)}")
            : new Answer(false, "Rolling", $"still to be replaced: {string.Join(", ", outdated)}");
    }

    private static string Counted(ClusterView view) =>
        string.Create(CultureInfo.InvariantCulture, $"{view.HealthyVoters} of {view.Desired.Replicas} members are healthy");

    private static ClusterCondition Condition(ClusterView view, string type, Answer answer)
    {
        var status = answer.Value switch { true => "True", false => "False", null => "Unknown" };
        var last = Last(view, type);
        return new ClusterCondition
        {
            Type = type,
            Status = status,
            Reason = answer.Reason,
            Message = answer.Message,
            LastTransitionTime = last?.Status == status ? last.LastTransitionTime : view.Now.UtcDateTime,
            ObservedGeneration = view.Desired.Cluster.Metadata.Generation,
        };
    }

    private static ClusterCondition? Last(ClusterView view, string type) => view.Status.Conditions?.FirstOrDefault(condition => condition.Type == type);

    private static DateTimeOffset At(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));

    private static string PascalCase(string words) => string.Concat(words.Split(' ').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
