using System.Collections.Immutable;
using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning;

/// <summary>An observation with its conclusions drawn: what the rules, the status and the conditions all read.</summary>
public sealed class ClusterView
{
    /// <summary>Draws the conclusions.</summary>
    public ClusterView(DesiredState desired, ClusterObservation observation, DateTimeOffset now)
    {
        Desired = desired;
        Observation = observation;
        Now = now;
        Status = desired.Cluster.Status ?? new RaftClusterStatus();
        ClusterId = Planning.ClusterId.Parse(Status.ClusterId);
        MembersKnown = observation.Members is MemberList.Known;
        Records = observation.Members is MemberList.Known known ? known.Records : [];
        Seats = Seating.Arrange(this);
        Leader = Seats.FirstOrDefault(seat => seat.Record is not null && seat.Record.Id == LeaderId);
    }

    /// <summary>What is asked for.</summary>
    public DesiredState Desired { get; }

    /// <summary>What was seen.</summary>
    public ClusterObservation Observation { get; }

    /// <summary>The time, from outside.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The status as it was when the resource was read; the latch in it is what counts.</summary>
    public RaftClusterStatus Status { get; }

    /// <summary>The latched identity of the cluster; null if none was ever chosen.</summary>
    public ClusterId? ClusterId { get; }

    /// <summary>Whether the cluster is known to exist.</summary>
    public bool Bootstrapped => Status.Bootstrapped == true;

    /// <summary>Every ordinal that has a pod, a volume or a member, or should have, in ascending order.</summary>
    public ImmutableArray<Seat> Seats { get; }

    /// <summary>Whether the cluster itself said, with a quorum's authority, who is in it.</summary>
    public bool MembersKnown { get; }

    /// <summary>The members by that word; empty if it was not given.</summary>
    public ImmutableArray<MemberRecord> Records { get; }

    /// <summary>Members with a vote.</summary>
    public IEnumerable<MemberRecord> Voters => Records.Where(record => !record.IsLearner);

    /// <summary>Number of members with a vote.</summary>
    public int VoterCount => Records.Count(record => !record.IsLearner);

    /// <summary>Identity of the leader by its own word, confirmed by the highest term; null if nobody leads as far as we know.</summary>
    public MemberId? LeaderId { get; internal set; }

    /// <summary>Applied index of the leader.</summary>
    public ulong LeaderApplied { get; internal set; }

    /// <summary>The seat of the leader.</summary>
    public Seat? Leader { get; }

    /// <summary>Voters that work.</summary>
    public int HealthyVoters => Seats.Count(seat => seat is { IsVoter: true, Healthy: true });

    /// <summary>Whether the cluster can decide: the list is known, somebody leads, and a majority of the voters works.</summary>
    public bool HasQuorum => MembersKnown && Leader is not null && HealthyVoters >= QuorumOf(VoterCount);

    /// <summary>Pods that the StatefulSet is to make.</summary>
    public int StatefulSetReplicas => Observation.StatefulSet?.Spec?.Replicas ?? 0;

    /// <summary>Hash of the template that pods ought to have.</summary>
    /// <remarks>While updates are held back that is the StatefulSet's own template, whatever the spec says.</remarks>
    public string? CurrentHash =>
        Desired.Cluster.Spec.Updates.Hold && Observation.StatefulSet is { } existing
            ? Objects.TemplateHash.Of(existing.Spec?.Template)
            : Objects.TemplateHash.Of(Desired.Template);

    /// <summary>Majority of <paramref name="voters"/>.</summary>
    public static int QuorumOf(int voters) => voters / 2 + 1;

    /// <summary>The seat with this ordinal; null if there is none.</summary>
    public Seat? SeatOf(int ordinal) => Seats.FirstOrDefault(seat => seat.Ordinal == ordinal);

    /// <summary>Whether the seat's pod was made from another template than it ought to be.</summary>
    public bool Outdated(Seat seat) => seat.Pod is { } pod && pod.TemplateHash != CurrentHash;

    /// <summary>
    /// Whether the seat's volume holds the data of a member that is none any more. While nobody can say who is one, those last
    /// seen are taken for members still.
    /// </summary>
    public bool HoldsFormerMember(Seat seat) => seat.Volume?.MemberId is { } id
        && (MembersKnown
            ? Records.All(record => record.Id != id)
            : Status.Members is { Count: > 0 } lastSeen && lastSeen.All(member => member.Id != id.ToString()));

    /// <summary>
    /// Whether the voters that would be left still decide, and were enough to agree to the removal: every one of the majority
    /// that the smaller cluster needs works today, without the member that goes.
    /// </summary>
    public bool SafeToRemove(Seat? leaving)
    {
        if (!HasQuorum) return false;
        var remainingHealthy = Seats.Count(seat => seat is { IsVoter: true, Healthy: true } && seat.Ordinal != leaving?.Ordinal);
        return VoterCount > 1 && remainingHealthy >= QuorumOf(VoterCount - 1);
    }

    /// <summary>Whether a majority of the voters works without this one.</summary>
    public bool QuorumWithout(Seat seat) =>
        HasQuorum && Seats.Count(other => other is { IsVoter: true, Healthy: true } && other.Ordinal != seat.Ordinal) >= QuorumOf(VoterCount);

    /// <summary>How the member is called: its name, or where its peer URL points if it has not started.</summary>
    public string NameOf(MemberRecord record) =>
        record.Started ? record.Name : Seats.FirstOrDefault(seat => seat.Record?.Id == record.Id)?.Name ?? record.Id.ToString();
}
