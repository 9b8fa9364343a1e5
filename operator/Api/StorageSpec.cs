using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>The volume of each member.</summary>
[ValidationRule(
    "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    message: "the storage class of existing volumes cannot be changed")]
public sealed class StorageSpec
{
    [Description("Size of each member's volume: a whole number of Mi, Gi, Ti, M, G or T. It can grow, never shrink.")]
    [Pattern(Quantities.StoragePattern)]
    [Length(maxLength: 8)]
    [DefaultValue("8Gi")]
    [ValidationRule(
        "int(self.find('^[0-9]+')) * " + Quantities.Units + "[self.find('[MGT]i?$')]"
        + " >= int(oldSelf.find('^[0-9]+')) * " + Quantities.Units + "[oldSelf.find('[MGT]i?$')]",
        message: "a volume can grow, never shrink")]
    public string Size { get; set; } = "8Gi";

    [Description("Storage class of the volumes; the default class of the Kubernetes cluster if absent. It cannot be changed.")]
    [Length(maxLength: 253)]
    public string? StorageClassName { get; set; }

    [Description("What becomes of volumes that are no longer used.")]
    public VolumeRetentionSpec Retention { get; set; } = new();
}

/// <summary>What becomes of volumes that are no longer used: Retain keeps them, Delete removes them with their data.</summary>
public sealed class VolumeRetentionSpec
{
    public const string Retain = "Retain";
    public const string Delete = "Delete";

    [Description("When a member is removed by scaling in: Retain or Delete. A retained volume is never given to another member.")]
    [EnumValues(Retain, Delete)]
    [DefaultValue(Delete)]
    public string WhenScaled { get; set; } = Delete;

    [Description("When the RaftCluster is deleted: Retain or Delete. A cluster created again under the same name takes retained volumes up.")]
    [EnumValues(Retain, Delete)]
    [DefaultValue(Retain)]
    public string WhenDeleted { get; set; } = Retain;
}

/// <summary>How amounts of storage are written.</summary>
public static class Quantities
{
    /// <summary>A whole number with a unit: the part of Kubernetes' notation that validation rules of every version can compare.</summary>
    public const string StoragePattern = "^[1-9][0-9]{0,5}[MGT]i?$";

    /// <summary>Bytes in each unit, as a CEL map. CEL's own quantity() is missing before Kubernetes 1.29.</summary>
    public const string Units =
        "{'M': 1000000, 'Mi': 1048576, 'G': 1000000000, 'Gi': 1073741824, 'T': 1000000000000, 'Ti': 1099511627776}";
}
