using k8s;
using k8s.Models;
using Raft.Operator.Planning.Objects;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests.Simulated;

/// <summary>A disk: what a member wrote stays until the claim is gone.</summary>
internal sealed class Disk
{
    public ClusterId? Cluster { get; set; }
    public MemberId? Member { get; set; }
    public ulong Applied { get; set; }
}

internal sealed class Claim(int ordinal, string uid, ResourceQuantity size)
{
    public int Ordinal => ordinal;
    public string Uid => uid;
    public Disk Disk { get; } = new();
    public MemberId? NotedMember { get; set; }
    public string? ClusterUid { get; set; } = Given.Uid;
    public string? OwnerUid { get; set; }
    public ResourceQuantity Size { get; set; } = size;
    public bool Terminating { get; set; }
    public bool Joining { get; set; }
}

internal sealed class Pod(int ordinal, string uid, string hash, string image, bool bad, DateTimeOffset createdAt)
{
    public int Ordinal => ordinal;
    public string Uid => uid;
    public string Hash => hash;
    public string Image => image;
    /// <summary>The image cannot start.</summary>
    public bool Bad => bad;
    public DateTimeOffset CreatedAt { get; } = createdAt;
    public Claim? Claim { get; set; }
    public int StartsInTicks { get; set; } = 2;
    public bool Ready { get; set; }
    public DateTimeOffset ReadyChangedAt { get; set; } = createdAt;
    public DateTimeOffset? GoneBy { get; set; }
    public bool NodeLost { get; set; }
    public bool Scheduled => Claim is not null;
    public bool Running => Scheduled && !bad && StartsInTicks <= 0 && GoneBy is null && !NodeLost;
}

/// <summary>The part of Kubernetes that a StatefulSet needs: its controller, claims that cannot go while they are used, kubelets.</summary>
internal sealed class Kubernetes(Random random, ClusterNames names)
{
    private int _uids;

    public DateTimeOffset Now { get; set; } = Given.Start;
    public V1StatefulSet? StatefulSet { get; set; }
    public SortedDictionary<int, Pod> Pods { get; } = [];
    public SortedDictionary<int, Claim> Claims { get; } = [];
    public List<IKubernetesObject<V1ObjectMeta>> Objects { get; } = [];
    public int Replicas => StatefulSet?.Spec.Replicas ?? Pods.Count;

    public string NextUid() => $"uid-{++_uids}";

    public void Tick()
    {
        foreach (var (ordinal, pod) in Pods.ToList())
            if (pod.GoneBy is { } due && !pod.NodeLost && Now >= due)
                Pods.Remove(ordinal);
        foreach (var (ordinal, claim) in Claims.ToList())
            if (claim.Terminating && Pods.Values.All(pod => pod.Claim != claim))
                Claims.Remove(ordinal);
        if (StatefulSet is { } statefulSet) Control(statefulSet);
        foreach (var pod in Pods.Values)
        {
            // A pod without its claim is never scheduled; only a new pod gets a new claim.
            if (pod.Claim is null && Claims.TryGetValue(pod.Ordinal, out var claim) && !claim.Terminating) pod.Claim = claim;
            if (pod.Scheduled && pod.StartsInTicks > 0) pod.StartsInTicks--;
        }
    }

    private void Control(V1StatefulSet statefulSet)
    {
        for (var ordinal = 0; ordinal < Replicas; ordinal++)
        {
            if (Pods.ContainsKey(ordinal) || random.Next(4) == 0) continue;
            if (!Claims.ContainsKey(ordinal)) Claims[ordinal] = new Claim(ordinal, NextUid(), StatefulSetBuilder.ClaimSize(statefulSet)!);
            var template = statefulSet.Spec.Template;
            var image = template.Spec.Containers[0].Image;
            Pods[ordinal] = new Pod(
                ordinal, NextUid(), TemplateHash.Of(template)!, image, image.Contains("bad", StringComparison.Ordinal), Now);
        }
        foreach (var pod in Pods.Values.Where(pod => pod.Ordinal >= Replicas)) Delete(pod);
    }

    public void Delete(Pod pod, bool force = false)
    {
        if (force) Pods.Remove(pod.Ordinal);
        else pod.GoneBy ??= Now + TimeSpan.FromSeconds(2);
        SetReady(pod, false);
    }

    public void SetReady(Pod pod, bool ready)
    {
        if (pod.Ready == ready) return;
        pod.Ready = ready;
        pod.ReadyChangedAt = Now;
    }

    public PodView View(Pod pod) => new()
    {
        Ordinal = pod.Ordinal,
        Name = names.Pod(pod.Ordinal),
        Uid = pod.Uid,
        TemplateHash = pod.Hash,
        Image = pod.Image,
        Ip = pod.Running ? "10.0.0.1" : null,
        Node = pod.Scheduled ? "node" : null,
        NodeLost = pod.GoneBy is null ? null : pod.NodeLost,
        Ready = pod.Ready,
        ReadyChangedAt = pod.ReadyChangedAt,
        CreatedAt = pod.CreatedAt,
        GoneBy = pod.GoneBy,
        Trouble = !pod.Scheduled ? "Unschedulable" : pod.Bad && pod.StartsInTicks <= 0 ? "ImagePullBackOff" : null,
        ClusterUid = Given.Uid,
    };

    public VolumeView View(Claim claim) => new()
    {
        Ordinal = claim.Ordinal,
        Name = names.Claim(claim.Ordinal),
        Uid = claim.Uid,
        ClusterUid = claim.ClusterUid,
        MemberId = claim.NotedMember,
        Joining = claim.Joining,
        Requested = claim.Size,
        Capacity = claim.Size,
        Terminating = claim.Terminating,
        OwnerUid = claim.OwnerUid,
        Expandable = true,
    };
}
