
namespace Raft.Operator.Host.Options;

/// <summary>What whoever runs the operator may choose.</summary>
public sealed record OperatorOptions
{
    /// <summary>The namespace to watch; all if null.</summary>
    public string? Namespace { get; init; }

    /// <summary>Whether only the replica that holds the lease acts.</summary>
    public bool LeaderElection { get; init; } = true;

    /// <summary>Namespace of the lease: the operator's own.</summary>
    public string LeaseNamespace { get; init; } = "default";

    /// <summary>Name of this replica in the lease; no two may share one.</summary>
    public string Identity { get; init; } = Environment.MachineName;

    /// <summary>How often every cluster is looked at even if nothing seems to have changed.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Clusters that are worked on at the same time.</summary>
    public int Parallel { get; init; } = 32;

    /// <summary>Where health and metrics are served, plain HTTP.</summary>
    public Uri Listen { get; init; } = new("http://0.0.0.0:8080");

    /// <summary>Least level of the log lines that are written.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Whether log lines are JSON, for machines.</summary>
    public bool LogJson { get; init; } = true;
}
