using System.Collections.Immutable;
using k8s;
using k8s.Models;

namespace Raft.Operator.Planning.Observation;

/// <summary>
/// Everything that was seen of one RaftCluster in one look. What could not be seen is said to be unknown
/// (<see cref="MemberProbe.Unreachable"/>, <see cref="MemberList.Unknown"/>): never taken for healthy, and never for absent.
/// A look in which Kubernetes itself did not answer gives no observation at all.
/// </summary>
public sealed record ClusterObservation
{
    /// <summary>The StatefulSet; null if there is none.</summary>
    public V1StatefulSet? StatefulSet { get; init; }

    /// <summary>Pods of the StatefulSet, in no order.</summary>
    public ImmutableArray<PodView> Pods { get; init; } = [];

    /// <summary>Volume claims by their names, those of removed members too.</summary>
    public ImmutableArray<VolumeView> Volumes { get; init; } = [];

    /// <summary>What each pod answered when asked who it is, by pod name. A pod without an entry was not asked: unreachable.</summary>
    public ImmutableDictionary<string, MemberProbe> Probes { get; init; } = ImmutableDictionary<string, MemberProbe>.Empty;

    /// <summary>Who is in the cluster, by the cluster's own word.</summary>
    public MemberList Members { get; init; } = new MemberList.Unknown("no member was asked");

    /// <summary>Services, ServiceAccount and PodDisruptionBudget that exist under the names we use.</summary>
    public ImmutableArray<IKubernetesObject<V1ObjectMeta>> Objects { get; init; } = [];

    /// <summary>Secrets with certificates that exist under the names we use.</summary>
    public ImmutableArray<SecretView> Secrets { get; init; } = [];

    /// <summary>What this Kubernetes offers.</summary>
    public KubernetesFeatures Features { get; init; } = new();

    /// <summary>Two numbers drawn at random for this look, to become identities if a cluster has to be founded.</summary>
    public FreshIdentity FreshIdentity { get; init; } = new(new ClusterId(1), new MemberId(1));
}

/// <summary>Identities that nobody has used before.</summary>
public sealed record FreshIdentity(ClusterId ClusterId, MemberId MemberId);

/// <summary>What differs between the Kubernetes versions that we serve, as discovery told.</summary>
/// <param name="PolicyV1">Whether policy/v1 is served; before 1.21 only policy/v1beta1 is.</param>
public sealed record KubernetesFeatures(bool PolicyV1 = true);
