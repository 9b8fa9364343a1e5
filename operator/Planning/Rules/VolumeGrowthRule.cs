using Raft.Operator.Planning.Objects;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Volumes grow claim by claim, whatever the health: a full disk is when it is needed most. Only when every claim asks for the
/// new size is the StatefulSet made anew with it, so that an interruption at any point loses nothing.
/// </summary>
public static class VolumeGrowthRule
{
    /// <summary>The first claim that asks for too little.</summary>
    public static Step? Claims(ClusterView view)
    {
        var size = view.Desired.StorageSize;
        return TooSmall(view).FirstOrDefault(volume => volume.Expandable != false) is { } small
            ? new Step.ResizeVolume($"volume {small.Name} asks for {small.Requested}, the spec for {size}", small.Name, small.Uid, size)
            : null;
    }

    /// <summary>Deletes the StatefulSet, not its pods, once only its claim template is left to change.</summary>
    public static Step? Template(ClusterView view) =>
        view.Observation.StatefulSet is { Metadata.DeletionTimestamp: null } existing
        && Ownership.IsOurs(existing, view.Desired.Uid)
        && StatefulSetBuilder.ClaimSize(existing) is { } size
        && size.ToDecimal() < view.Desired.StorageSize.ToDecimal()
        && !TooSmall(view).Any()
            ? new Step.RecreateStatefulSet(
                $"new volumes are to have {view.Desired.StorageSize}; the pods stay", existing.Metadata.Name, existing.Metadata.Uid)
            : null;

    /// <summary>Claims that ask for less than the spec does.</summary>
    public static IEnumerable<VolumeView> TooSmall(ClusterView view) => view.Observation.Volumes.Where(volume =>
        !volume.Terminating && volume.Requested is { } asked && asked.ToDecimal() < view.Desired.StorageSize.ToDecimal());
}
