namespace KubeOps.Abstractions.Builder;

/// <summary>What makes an entity worth a reconciliation.</summary>
public enum ReconcileStrategy
{
    /// <summary>A new generation: the spec changed. Labels and annotations count here too.</summary>
    ByGeneration,

    /// <summary>Any change, the status included.</summary>
    ByResourceVersion,
}
