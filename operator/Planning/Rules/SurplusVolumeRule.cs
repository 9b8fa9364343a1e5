using Raft.Operator.Api;

namespace Raft.Operator.Planning.Rules;

/// <summary>Volumes belong to the cluster, and those that nobody uses are kept or deleted as the spec says.</summary>
public static class SurplusVolumeRule
{
    /// <summary>Deletes a volume of a member that was scaled in, where the spec does not keep them.</summary>
    public static Step? Delete(ClusterView view)
    {
        if (view.Desired.Cluster.Spec.Storage.Retention.WhenScaled != VolumeRetentionSpec.Delete) return null;
        var used = Math.Max(view.StatefulSetReplicas, view.Desired.Replicas);
        return view.Seats.LastOrDefault(seat => seat is { Volume.Terminating: false, Pod: null, Record: null }
            && seat.Ordinal >= used && seat.Volume.ClusterUid == view.Desired.Uid) is { Volume: { } volume }
            ? new Step.DeleteVolumeClaim($"{volume.Name} is of a member that was scaled in", volume.Name, volume.Uid)
            : null;
    }

    /// <summary>Takes over volumes of an earlier RaftCluster, and has Kubernetes delete them with the cluster or not, as the spec says.</summary>
    public static Step? Adopt(ClusterView view)
    {
        var owned = view.Desired.Cluster.Spec.Storage.Retention.WhenDeleted == VolumeRetentionSpec.Delete;
        return view.Observation.Volumes.FirstOrDefault(volume => !volume.Terminating
            && (volume.ClusterUid != view.Desired.Uid || volume.OwnerUid != (owned ? view.Desired.Uid : null))) is { } volume
            ? new Step.AdoptVolumeClaim(
                owned ? $"{volume.Name} is to be deleted with the cluster" : $"{volume.Name} is to outlive the cluster", volume.Name, volume.Uid, owned)
            : null;
    }
}
