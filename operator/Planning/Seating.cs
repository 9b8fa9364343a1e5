using System.Collections.Immutable;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning;

/// <summary>Brings pods, volumes and members together, and finds out who leads.</summary>
internal static class Seating
{
    public static ImmutableArray<Seat> Arrange(ClusterView view)
    {
        var observation = view.Observation;
        var names = view.Desired.Names;
        var pods = observation.Pods.GroupBy(pod => pod.Ordinal).ToDictionary(group => group.Key, group => group.Last());
        var volumes = observation.Volumes.GroupBy(volume => volume.Ordinal).ToDictionary(group => group.Key, group => group.Last());
        var records = new Dictionary<int, MemberRecord>();
        foreach (var record in view.Records)
            if (OrdinalOf(record, names) is { } ordinal)
                records.TryAdd(ordinal, record);

        var ordinals = new SortedSet<int>(Enumerable.Range(0, Math.Max(view.Desired.Replicas, view.StatefulSetReplicas)));
        ordinals.UnionWith(pods.Keys);
        ordinals.UnionWith(volumes.Keys);
        ordinals.UnionWith(records.Keys);

        var seats = ordinals.Select(ordinal =>
        {
            var pod = pods.GetValueOrDefault(ordinal);
            return new Seat
            {
                Ordinal = ordinal,
                Name = names.Pod(ordinal),
                Pod = pod,
                Volume = volumes.GetValueOrDefault(ordinal),
                Probe = ProbeOf(pod, view),
                Record = records.GetValueOrDefault(ordinal),
            };
        }).ToList();

        FindLeader(view, seats);
        return [.. seats.Select(seat => seat with { Serving = IsServing(view, seat), CaughtUp = IsCaughtUp(view, seat) })];
    }

    /// <summary>A member that has not started yet has no name: only its peer URL says whose place it is to take.</summary>
    private static int? OrdinalOf(MemberRecord record, ClusterNames names) =>
        record.PeerUrls.Select(names.PeerUrlOrdinal).FirstOrDefault(ordinal => ordinal is not null)
        ?? (record.Started ? names.PodOrdinal(record.Name) : null);

    private static MemberProbe ProbeOf(PodView? pod, ClusterView view)
    {
        if (pod is null) return new MemberProbe.Unreachable("there is no pod");
        // A pod of a cluster that had our name before us: what is on its disk says nothing about us.
        if (pod.ClusterUid is { } uid && uid != view.Desired.Uid) return new MemberProbe.Unreachable("the pod belongs to an earlier cluster");
        return view.Observation.Probes.GetValueOrDefault(pod.Name) ?? new MemberProbe.Unreachable("the pod was not asked");
    }

    /// <summary>Only the leader's own word counts, and of several the one with the highest term: others may not know yet.</summary>
    private static void FindLeader(ClusterView view, List<Seat> seats)
    {
        var term = 0UL;
        foreach (var seat in seats)
        {
            if (seat is not { Record: { } record, Identity: { Status: { } report } identity }) continue;
            if (identity.MemberId != record.Id || identity.ClusterId != view.ClusterId) continue;
            if (report.Leader != record.Id || report.Term < term) continue;
            term = report.Term;
            view.LeaderId = record.Id;
            view.LeaderApplied = report.AppliedIndex;
        }
    }

    private static bool IsServing(ClusterView view, Seat seat) =>
        seat is { Record: { } record, Identity: { Status: { } report } identity }
        && identity.MemberId == record.Id
        && identity.ClusterId == view.ClusterId
        && view.LeaderId is { } leader
        && report.Leader == leader
        && !report.IsCorrupt(record.Id);

    private static bool IsCaughtUp(ClusterView view, Seat seat) =>
        IsServing(view, seat) && seat.Identity!.Status!.AppliedIndex + Seat.LagMax >= view.LeaderApplied;
}
