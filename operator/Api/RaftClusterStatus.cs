using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>What the operator saw when it last looked.</summary>
/// <remarks>
/// <see cref="ClusterId"/>, <see cref="FirstMemberId"/> and <see cref="Bootstrapped"/> are a latch: written once each, under a
/// field manager of their own, before what they announce is done. Everything else is derived anew at each look.
/// </remarks>
public sealed class RaftClusterStatus
{
    [Description("What the cluster is doing: Pending, Creating, Running, Scaling, Updating, Healing, Degraded, QuorumLost, Paused, Invalid or Deleting.")]
    public string? Phase { get; set; }

    [Description("Generation of the resource that this status describes.")]
    public long? ObservedGeneration { get; set; }

    [Description("Identity of the Raft cluster, hexadecimal; chosen once, before the first member is told to form it.")]
    public string? ClusterId { get; set; }

    [Description("Identity of the first member, hexadecimal; chosen together with the cluster's.")]
    public string? FirstMemberId { get; set; }

    [Description("Whether the cluster was formed. Once true, no member can ever form a cluster again.")]
    public bool? Bootstrapped { get; set; }

    [Description("Name of the member that leads.")]
    public string? Leader { get; set; }

    [Description("Members as the cluster itself lists them, matched to pods by name and identity.")]
    [XListType(ListType.Map)]
    [XListMapKeys("name")]
    public IList<MemberStatus>? Members { get; set; }

    [Description("Pods that exist.")]
    public int? Replicas { get; set; }

    [Description("Voting members that are healthy.")]
    public int? ReadyReplicas { get; set; }

    [Description("Pods that have the newest template.")]
    public int? UpdatedReplicas { get; set; }

    [Description("Label selector of the pods, for the scale subresource.")]
    public string? Selector { get; set; }

    [Description("Version that every member runs; during a roll, the one being replaced.")]
    public string? CurrentVersion { get; set; }

    [Description("Answers to the questions that users ask, each with its reason.")]
    [XListType(ListType.Map)]
    [XListMapKeys("type")]
    public IList<ClusterCondition>? Conditions { get; set; }
}

/// <summary>One member as it was last seen.</summary>
public sealed class MemberStatus
{
    [Description("Name of the member and of its pod.")]
    [Required]
    public string Name { get; set; } = string.Empty;

    [Description("Ordinal of the pod.")]
    public int Ordinal { get; set; }

    [Description("Identity of the member, hexadecimal; never used again once the member is removed.")]
    public string? Id { get; set; }

    [Description("Leader, Follower, Learner, or None while the pod has no part in the cluster.")]
    public string? Role { get; set; }

    [Description("Healthy, Lagging, Unhealthy, Waiting (no identity yet) or Unknown (it could not be asked).")]
    public string? Health { get; set; }

    [Description("Version of the member's software.")]
    public string? Version { get; set; }

    [Description("Index of the last log entry that the member applied.")]
    public long? AppliedIndex { get; set; }

    [Description("UID of the member's pod.")]
    public string? PodUid { get; set; }

    [Description("UID of the member's volume claim.")]
    public string? VolumeUid { get; set; }

    [Description("Node on which the pod runs.")]
    public string? Node { get; set; }
}

/// <summary>One condition, as Kubernetes writes them.</summary>
public sealed class ClusterCondition
{
    [Description("What is asked, for example Available.")]
    [Required]
    public string Type { get; set; } = string.Empty;

    [Description("True, False or Unknown.")]
    [Required]
    public string Status { get; set; } = string.Empty;

    [Description("Why, in one word.")]
    public string? Reason { get; set; }

    [Description("Why, in a sentence.")]
    public string? Message { get; set; }

    [Description("When the status last changed.")]
    public DateTime? LastTransitionTime { get; set; }

    [Description("Generation of the resource that this condition describes.")]
    public long? ObservedGeneration { get; set; }
}

/// <summary>The types of condition that the operator keeps.</summary>
public static class ConditionTypes
{
    /// <summary>A quorum is healthy and has a leader: reads and writes are possible.</summary>
    public const string Available = "Available";

    /// <summary>The operator is bringing the cluster to what the spec asks.</summary>
    public const string Progressing = "Progressing";

    /// <summary>Fewer members are healthy than asked for, or something holds the operator up.</summary>
    public const string Degraded = "Degraded";

    /// <summary>Too few voters are left, for longer than a restart takes: nothing can be written.</summary>
    public const string QuorumLost = "QuorumLost";

    /// <summary>The spec makes sense and can be carried out on this cluster.</summary>
    public const string SpecValid = "SpecValid";

    /// <summary>Every volume has the size that the spec asks.</summary>
    public const string StorageResized = "StorageResized";

    /// <summary>Every pod has the newest template.</summary>
    public const string UpToDate = "UpToDate";
}
