using k8s.Models;

namespace Raft.Operator.Planning.Observation;

/// <summary>A pod of the StatefulSet, reduced to what decisions depend on.</summary>
public sealed record PodView
{
    /// <summary>Position in the StatefulSet, which names pod, volume and member.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Name of the pod.</summary>
    public required string Name { get; init; }

    /// <summary>Tells this pod from the one before it with the same name.</summary>
    public required string Uid { get; init; }

    /// <summary>Hash of the template that the pod was made from; null if it carries none.</summary>
    public string? TemplateHash { get; init; }

    /// <summary>Image of the server's container.</summary>
    public string? Image { get; init; }

    /// <summary>Address of the pod; null until it has one.</summary>
    public string? Ip { get; init; }

    /// <summary>Node that the pod was given; null while it waits for one.</summary>
    public string? Node { get; init; }

    /// <summary>Whether the node said that it is not ready, or is gone; null if that is not known.</summary>
    public bool? NodeLost { get; init; }

    /// <summary>Whether Kubernetes takes the pod for ready.</summary>
    public bool Ready { get; init; }

    /// <summary>Since when <see cref="Ready"/> has its value; null if never told.</summary>
    public DateTimeOffset? ReadyChangedAt { get; init; }

    /// <summary>When the pod was created.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the pod should be gone, grace period included; null if nobody has deleted it.</summary>
    public DateTimeOffset? GoneBy { get; init; }

    /// <summary>Why the container cannot run (ImagePullBackOff, CrashLoopBackOff, ...); null if nothing is known to hold it up.</summary>
    public string? Trouble { get; init; }

    /// <summary>UID of the RaftCluster that the pod was made for.</summary>
    public string? ClusterUid { get; init; }

    /// <summary>Whether the pod has been told to go.</summary>
    public bool Terminating => GoneBy is not null;

    /// <summary>Reads a pod; null if it is not one of <paramref name="names"/>.</summary>
    public static PodView? From(V1Pod pod, ClusterNames names, bool? nodeLost)
    {
        if (names.PodOrdinal(pod.Metadata.Name) is not { } ordinal) return null;
        var ready = pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == "Ready");
        return new PodView
        {
            Ordinal = ordinal,
            Name = pod.Metadata.Name,
            Uid = pod.Metadata.Uid,
            TemplateHash = pod.GetAnnotation(Labels.TemplateHash),
            Image = pod.Spec?.Containers?.FirstOrDefault(container => container.Name == ClusterNames.Container)?.Image,
            Ip = pod.Status?.PodIP,
            Node = pod.Spec?.NodeName,
            NodeLost = nodeLost,
            Ready = ready?.Status == "True",
            ReadyChangedAt = Moment(ready?.LastTransitionTime),
            CreatedAt = Moment(pod.Metadata.CreationTimestamp) ?? default,
            GoneBy = Moment(pod.Metadata.DeletionTimestamp),
            Trouble = TroubleOf(pod),
            ClusterUid = pod.GetLabel(Labels.ClusterUid),
        };
    }

    private static DateTimeOffset? Moment(DateTime? time) =>
        time is { } known ? new DateTimeOffset(DateTime.SpecifyKind(known, DateTimeKind.Utc)) : null;

    private static string? TroubleOf(V1Pod pod)
    {
        if (pod.Status?.Phase is "Failed" or "Succeeded") return pod.Status.Reason ?? pod.Status.Phase;
        foreach (var status in pod.Status?.ContainerStatuses ?? [])
        {
            // PodInitializing and ContainerCreating are the ordinary way up; every other reason to wait is a complaint.
            if (status.State?.Waiting?.Reason is { } waiting and not ("ContainerCreating" or "PodInitializing")) return waiting;
            if (status.State?.Terminated is { } terminated) return terminated.Reason ?? "Terminated";
        }
        return pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" })?.Reason;
    }
}
