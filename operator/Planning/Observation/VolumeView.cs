using k8s.Models;

namespace Raft.Operator.Planning.Observation;

/// <summary>The volume claim of one ordinal, reduced to what decisions depend on.</summary>
public sealed record VolumeView
{
    /// <summary>Ordinal whose pod uses the claim.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Name of the claim.</summary>
    public required string Name { get; init; }

    /// <summary>Tells this claim from an earlier one with the same name.</summary>
    public required string Uid { get; init; }

    /// <summary>UID of the RaftCluster that the claim was made for or adopted by; null if it says nothing.</summary>
    public string? ClusterUid { get; init; }

    /// <summary>Member whose data the volume holds, written before the member got its identity; null if it was never given to one.</summary>
    public MemberId? MemberId { get; init; }

    /// <summary>Whether a learner was, or was about to be, added for this very claim.</summary>
    public bool Joining { get; init; }

    /// <summary>Size asked for.</summary>
    public ResourceQuantity? Requested { get; init; }

    /// <summary>Size that the volume really has; null until it is bound.</summary>
    public ResourceQuantity? Capacity { get; init; }

    /// <summary>Storage class of the claim.</summary>
    public string? StorageClass { get; init; }

    /// <summary>Whether the class lets volumes grow; null if that is not known.</summary>
    public bool? Expandable { get; init; }

    /// <summary>Whether the claim has been told to go.</summary>
    public bool Terminating { get; init; }

    /// <summary>UID of the RaftCluster that owns the claim, so that Kubernetes deletes it together with the cluster; null if none.</summary>
    public string? OwnerUid { get; init; }

    /// <summary>Reads a claim; null if it is not one of <paramref name="names"/>.</summary>
    public static VolumeView? From(V1PersistentVolumeClaim claim, ClusterNames names, bool? expandable) =>
        names.ClaimOrdinal(claim.Metadata.Name) is not { } ordinal ? null : new VolumeView
        {
            Ordinal = ordinal,
            Name = claim.Metadata.Name,
            Uid = claim.Metadata.Uid,
            ClusterUid = claim.GetLabel(Labels.ClusterUid),
            MemberId = Planning.MemberId.Parse(claim.GetAnnotation(Labels.MemberId)),
            Joining = claim.GetAnnotation(Labels.Joining) is not null,
            Requested = claim.Spec?.Resources?.Requests?.TryGetValue("storage", out var asked) == true ? asked : null,
            Capacity = claim.Status?.Capacity?.TryGetValue("storage", out var real) == true ? real : null,
            StorageClass = claim.Spec?.StorageClassName,
            Expandable = expandable,
            Terminating = claim.Metadata.DeletionTimestamp is not null,
            OwnerUid = claim.Metadata.OwnerReferences?.FirstOrDefault(owner => owner.Kind == Api.RaftCluster.KindName)?.Uid,
        };
}
