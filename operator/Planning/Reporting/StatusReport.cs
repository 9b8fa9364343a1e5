using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Reporting;

/// <summary>The status, derived from the same look as the step, on every path: nothing is left over from before but the latch.</summary>
public static class StatusReport
{
    /// <summary>What to tell users while <paramref name="step"/>, which <paramref name="rule"/> chose, is next.</summary>
    public static RaftClusterStatus Of(ClusterView view, string rule, Step step)
    {
        var conditions = ConditionReport.Of(view, rule, step);
        return new RaftClusterStatus
        {
            Phase = PhaseReport.Of(view, rule, step, conditions),
            ObservedGeneration = view.Desired.Cluster.Metadata.Generation,
            ClusterId = view.Status.ClusterId,
            FirstMemberId = view.Status.FirstMemberId,
            Bootstrapped = view.Status.Bootstrapped,
            Leader = view.Leader?.Name,
            Members = Members(view),
            Replicas = view.Seats.Count(seat => seat.Pod is not null),
            ReadyReplicas = view.HealthyVoters,
            UpdatedReplicas = view.Seats.Count(seat => seat.Pod is not null && UpToDate(view, seat)),
            Selector = Labels.SelectorText(view.Desired.Names),
            CurrentVersion = CurrentVersion(view),
            Conditions = conditions,
        };
    }

    private static bool UpToDate(ClusterView view, Seat seat) => view.Desired.Problems.Count == 0 && !view.Outdated(seat);

    private static List<MemberStatus> Members(ClusterView view)
    {
        var last = (view.Status.Members ?? []).ToDictionary(member => member.Name);
        return
        [
            .. view.Seats.Where(seat => seat.Pod is not null || seat.Record is not null || (!view.MembersKnown && last.ContainsKey(seat.Name)))
                .Select(seat => new MemberStatus
                {
                    Name = seat.Name,
                    Ordinal = seat.Ordinal,
                    // Who is a member is remembered while nobody can say: pods of members must not be taken away meanwhile.
                    Id = seat.Record?.Id.ToString() ?? (view.MembersKnown ? null : last.GetValueOrDefault(seat.Name)?.Id),
                    Role = Role(view, seat),
                    Health = Health(seat),
                    Version = seat.Probe switch
                    {
                        MemberProbe.Awaiting { SoftwareVersion: { Length: > 0 } version } => version,
                        MemberProbe.Initialized { SoftwareVersion: { Length: > 0 } version } => version,
                        _ => null,
                    },
                    AppliedIndex = seat.Identity?.Status is { } report ? (long)report.AppliedIndex : null,
                    PodUid = seat.Pod?.Uid,
                    VolumeUid = seat.Volume?.Uid,
                    Node = seat.Pod?.Node,
                }),
        ];
    }

    private static string Role(ClusterView view, Seat seat) => seat.Record switch
    {
        null => view.MembersKnown || seat.Awaiting ? "None" : "Unknown",
        { IsLearner: true } => "Learner",
        var record when record.Id == view.LeaderId => "Leader",
        _ => "Follower",
    };

    private static string Health(Seat seat) => seat switch
    {
        { Awaiting: true } => "Waiting",
        { Healthy: true, CaughtUp: true } => "Healthy",
        { Serving: true, CaughtUp: false } => "Lagging",
        { Identity: not null } => "Unhealthy",
        _ => "Unknown",
    };

    /// <summary>The tag that every pod runs; while pods differ, the one that is being replaced.</summary>
    private static string? CurrentVersion(ClusterView view)
    {
        var tags = view.Seats.Select(seat => Tag(seat.Pod?.Image)).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return tags.Count switch
        {
            0 => null,
            1 => tags[0],
            _ => tags.FirstOrDefault(tag => tag == view.Status.CurrentVersion) ?? tags.FirstOrDefault(tag => tag != view.Desired.Cluster.Spec.Version),
        };
    }

    private static string? Tag(string? image)
    {
        var colon = image?.LastIndexOf(':') ?? -1;
        return colon > image?.LastIndexOf('/') ? image[(colon + 1)..] : null;
    }
}
