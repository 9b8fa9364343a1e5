using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>CPU and memory of each member's container.</summary>
public sealed class ResourceRequirementsSpec
{
    [Description("What the scheduler sets aside for each member, for example cpu: 500m, memory: 512Mi.")]
    public IDictionary<string, string>? Requests { get; set; }

    [Description("What a member can never exceed.")]
    public IDictionary<string, string>? Limits { get; set; }
}
