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
