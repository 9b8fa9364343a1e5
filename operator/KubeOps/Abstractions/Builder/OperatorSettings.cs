namespace KubeOps.Abstractions.Builder;

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

    /// <summary>How many entities are reconciled at the same time.</summary>
    public ParallelReconciliationSettings ParallelReconciliation { get; init; } = new();
}
