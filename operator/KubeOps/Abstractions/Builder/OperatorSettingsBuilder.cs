namespace KubeOps.Abstractions.Builder;

/// <summary>Makes <see cref="OperatorSettings"/>; each property means what it means there.</summary>
public sealed class OperatorSettingsBuilder
{
    /// <inheritdoc cref="OperatorSettings.Name"/>
    public string Name { get; set; } = "kubernetesoperator";

    /// <inheritdoc cref="OperatorSettings.Namespace"/>
    public string? Namespace { get; set; }

    /// <inheritdoc cref="OperatorSettings.LeaderElectionType"/>
    public LeaderElectionType LeaderElectionType { get; set; }

    /// <inheritdoc cref="OperatorSettings.LeaderElectionLeaseDuration"/>
    public TimeSpan LeaderElectionLeaseDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <inheritdoc cref="OperatorSettings.LeaderElectionRenewDeadline"/>
    public TimeSpan LeaderElectionRenewDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc cref="OperatorSettings.LeaderElectionRetryPeriod"/>
    public TimeSpan LeaderElectionRetryPeriod { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc cref="OperatorSettings.ReconcileStrategy"/>
    public ReconcileStrategy ReconcileStrategy { get; set; }

    /// <inheritdoc cref="OperatorSettings.AutoAttachFinalizers"/>
    public bool AutoAttachFinalizers { get; set; } = true;

    /// <inheritdoc cref="OperatorSettings.AutoDetachFinalizers"/>
    public bool AutoDetachFinalizers { get; set; } = true;

    /// <inheritdoc cref="OperatorSettings.ParallelReconciliation"/>
    public ParallelReconciliationSettingsBuilder ParallelReconciliation { get; } = new();

    /// <summary>The settings as they are now.</summary>
    /// <exception cref="InvalidOperationException">The lease's times contradict each other.</exception>
    public OperatorSettings Build()
    {
        // Someone else may take the lease once it ran out: the holder must have given up before.
        if (LeaderElectionRetryPeriod >= LeaderElectionRenewDeadline || LeaderElectionRenewDeadline >= LeaderElectionLeaseDuration)
            throw new InvalidOperationException("the lease's retry period must be shorter than its renew deadline, and that shorter than its duration");
        return new OperatorSettings
        {
            Name = Name,
            Namespace = Namespace,
            LeaderElectionType = LeaderElectionType,
            LeaderElectionLeaseDuration = LeaderElectionLeaseDuration,
            LeaderElectionRenewDeadline = LeaderElectionRenewDeadline,
            LeaderElectionRetryPeriod = LeaderElectionRetryPeriod,
            ReconcileStrategy = ReconcileStrategy,
            AutoAttachFinalizers = AutoAttachFinalizers,
            AutoDetachFinalizers = AutoDetachFinalizers,
            ParallelReconciliation = ParallelReconciliation.Build(),
        };
    }
}
