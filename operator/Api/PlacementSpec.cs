using k8s.Models;
using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>Where the members' pods may run.</summary>
public sealed class PlacementSpec
{
    [Description("Affinity of the pods, as in a pod.")]
    public V1Affinity? Affinity { get; set; }

    [Description("Taints that the pods tolerate, as in a pod.")]
    public IList<V1Toleration>? Tolerations { get; set; }

    [Description("Labels that a node must have.")]
    public IDictionary<string, string>? NodeSelector { get; set; }

    [Description("How pods spread. If absent, they spread over nodes and zones as well as they can; an empty list turns that off.")]
    public IList<V1TopologySpreadConstraint>? TopologySpreadConstraints { get; set; }
}
