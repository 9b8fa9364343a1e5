using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>How many members may be evicted at once.</summary>
public sealed class DisruptionBudgetSpec
{
    [Description("Whether the operator keeps a PodDisruptionBudget.")]
    [DefaultValue(true)]
    public bool Enabled { get; set; } = true;

    [Description("Members that may be evicted at once, in place of what the quorum can spare.")]
    [RangeMinimum(0)]
    public int? MaxUnavailable { get; set; }
}

/// <summary>When changed pods are rolled out.</summary>
public sealed class UpdateSpec
{
    [Description(
        "While true, existing pods keep the template they have, whether this resource or a new version of the operator changed it. "
        + "Scaling and healing go on.")]
    [DefaultValue(false)]
    public bool Hold { get; set; }
}

/// <summary>When a member that cannot come back by itself is replaced.</summary>
public sealed class RecoverySpec
{
    [Description(
        "Seconds for which a pod may hang on a lost node, past its grace period, before its member and volume are replaced. "
        + "Never done where the quorum would be at risk.")]
    [RangeMinimum(10)]
    [DefaultValue(300)]
    public int LostPodSeconds { get; set; } = 300;
}

/// <summary>The Service that clients use.</summary>
public sealed class ClientServiceSpec
{
    [Description("Type of the Service: ClusterIP, NodePort or LoadBalancer.")]
    [EnumValues("ClusterIP", "NodePort", "LoadBalancer")]
    [DefaultValue("ClusterIP")]
    public string Type { get; set; } = "ClusterIP";

    [Description("Annotations of the Service, for example for a cloud's load balancer.")]
    public IDictionary<string, string>? Annotations { get; set; }
}
