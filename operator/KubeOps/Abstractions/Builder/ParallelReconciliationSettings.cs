namespace KubeOps.Abstractions.Builder;

/// <summary>How many entities are reconciled at the same time. One entity is never reconciled twice at once.</summary>
public sealed record ParallelReconciliationSettings
{
    /// <summary>Most reconciliations at a time.</summary>
    public int MaxParallelReconciliations { get; init; } = 16;
}

/// <summary>Makes <see cref="ParallelReconciliationSettings"/>.</summary>
public sealed class ParallelReconciliationSettingsBuilder
{
    /// <summary>Most reconciliations at a time.</summary>
    public int MaxParallelReconciliations
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 16;

    /// <summary>The settings as they are now.</summary>
    public ParallelReconciliationSettings Build() => new() { MaxParallelReconciliations = MaxParallelReconciliations };
}
