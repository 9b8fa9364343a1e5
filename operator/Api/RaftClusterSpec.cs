using k8s.Models;
using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>What the user asks for.</summary>
public sealed class RaftClusterSpec
{
    [Description("Number of voting members. Odd numbers are best: an even one tolerates no more failures than the odd one below it.")]
    [RangeMinimum(1)]
    [RangeMaximum(9)]
    [DefaultValue(3)]
    public int Replicas { get; set; } = 3;

    [Description("Image of the datastore without its tag, for example registry.example/raft-datastore.")]
    [Length(minLength: 1)]
    [DefaultValue("raft-datastore")]
    public string Image { get; set; } = "raft-datastore";

    [Description("Tag of the image: the version that every member runs. A change rolls through the members, the leader last.")]
    [Required]
    [Pattern("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    public string Version { get; set; } = string.Empty;

    [Description("When nodes pull the image: Always, IfNotPresent or Never.")]
    [EnumValues("Always", "IfNotPresent", "Never")]
    [DefaultValue("IfNotPresent")]
    public string ImagePullPolicy { get; set; } = "IfNotPresent";

    [Description("Secrets in the cluster's namespace with the credentials for pulling the image.")]
    public IList<V1LocalObjectReference>? ImagePullSecrets { get; set; }

    [Description("The volume of each member.")]
    public StorageSpec Storage { get; set; } = new();

    [Description("CPU and memory of each member's container.")]
    public ResourceRequirementsSpec? Resources { get; set; }

    [Description("Where the members' pods may run. By default they spread over nodes and zones.")]
    public PlacementSpec? Placement { get; set; }

    [Description("Options of the server.")]
    public ServerOptionsSpec? ServerOptions { get; set; }

    [Description("Certificates between members, and between clients and members.")]
    public TlsSpec Tls { get; set; } = new();

    [Description("How many members may be evicted at once, for example when a node is drained.")]
    public DisruptionBudgetSpec DisruptionBudget { get; set; } = new();

    [Description("When changed pods are rolled out.")]
    public UpdateSpec Updates { get; set; } = new();

    [Description("When a member that cannot come back by itself is replaced.")]
    public RecoverySpec Recovery { get; set; } = new();

    [Description("The Service that clients use.")]
    public ClientServiceSpec? ClientService { get; set; }

    [Description("Further labels of the members' pods. Labels that the operator sets itself win.")]
    public IDictionary<string, string>? PodLabels { get; set; }

    [Description("Further annotations of the members' pods.")]
    public IDictionary<string, string>? PodAnnotations { get; set; }

    [Description("Name of the priority class of the members' pods.")]
    public string? PriorityClassName { get; set; }

    [Description("While true the operator reports the state and changes nothing.")]
    [DefaultValue(false)]
    public bool Paused { get; set; }
}
