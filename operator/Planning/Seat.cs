using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning;

/// <summary>
/// One ordinal with all that belongs to it: pod, volume and member. They are brought together by name, identity and peer URL,
/// never by their position in a list.
/// </summary>
public sealed record Seat
{
    /// <summary>Applied entries by which a member may be behind the leader and still count as caught up.</summary>
    public const ulong LagMax = 5000;

    /// <summary>The ordinal.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Name of the pod and of the member.</summary>
    public required string Name { get; init; }

    /// <summary>The pod; null if there is none.</summary>
    public PodView? Pod { get; init; }

    /// <summary>The volume claim; null if there is none.</summary>
    public VolumeView? Volume { get; init; }

    /// <summary>What the pod answered.</summary>
    public required MemberProbe Probe { get; init; }

    /// <summary>The member as the cluster lists it; null if it is not listed, or nobody could say.</summary>
    public MemberRecord? Record { get; init; }

    /// <summary>Whether the pod takes part as the member it is listed as, and follows <see cref="ClusterView.Leader"/>.</summary>
    public bool Serving { get; init; }

    /// <summary>Whether it is close behind the leader.</summary>
    public bool CaughtUp { get; init; }

    /// <summary>Whether the member has a vote.</summary>
    public bool IsVoter => Record is { IsLearner: false };

    /// <summary>Whether the member works and Kubernetes says so too.</summary>
    public bool Healthy => Serving && Pod is { Ready: true, Terminating: false };

    /// <summary>Whether the pod answered that its disk is empty.</summary>
    public bool Awaiting => Probe is MemberProbe.Awaiting && Pod is { Terminating: false };

    /// <summary>The identity on the pod's disk, if it answered.</summary>
    public MemberProbe.Initialized? Identity => Probe as MemberProbe.Initialized;

    /// <summary>
    /// Whether nothing of a member can be on the volume: the pod said so, or the volume was made for this very cluster and
    /// never given to a member.
    /// </summary>
    public bool KnownBlank(string clusterUid) => Probe switch
    {
        MemberProbe.Awaiting => true,
        MemberProbe.Initialized => false,
        _ => Volume is null || (Volume.MemberId is null && Volume.ClusterUid == clusterUid),
    };
}
