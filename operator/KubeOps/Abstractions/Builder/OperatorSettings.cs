namespace KubeOps.Abstractions.Builder;

/// <summary>Who may act when several replicas of the operator run.</summary>
public enum LeaderElectionType
{
    /// <summary>All.</summary>
    None,

    /// <summary>The one that holds the Lease.</summary>
    Single,

    /// <summary>Decided elsewhere.</summary>
    Custom,

    /// <summary>Each for a part of the entities.</summary>
    Scoped,
}

/// <summary>What makes an entity worth a reconciliation.</summary>
public enum ReconcileStrategy
{
    /// <summary>A new generation: the spec changed. Labels and annotations count here too.</summary>
    ByGeneration,

    /// <summary>Any change, the status included.</summary>
    ByResourceVersion,
}

/// <summary>Settings of the runtime.</summary>
public sealed record OperatorSettings
{
    /// <summary>Names the operator in Leases, events and fields that it manages.</summary>
    public required string Name { get; init; }

    /// <summary>The namespace to watch; all if null.</summary>
    public string? Namespace { get; init; }

    /// <summary>Who may act.</summary>
    public LeaderElectionType LeaderElectionType { get; init; }

    /// <summary>How long a Lease holds without renewal.</summary>
    public TimeSpan LeaderElectionLeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a leader tries to renew before it gives up.</summary>
    public TimeSpan LeaderElectionRenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between tries to get or renew the Lease.</summary>
    public TimeSpan LeaderElectionRetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What makes an entity worth a reconciliation.</summary>
    public ReconcileStrategy ReconcileStrategy { get; init; }

    /// <summary>Whether finalizers are added to entities before their first reconciliation.</summary>
    public bool AutoAttachFinalizers { get; init; } = true;

    /// <summary>Whether a finalizer that succeeded is removed.</summary>
    public bool AutoDetachFinalizers { get; init; } = true;

    /// <summary>Entities reconciled at the same time.</summary>
    public int ParallelReconciliation { get; init; } = 16;
}
