using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>Options of the server. What is absent keeps the server's own default.</summary>
[ValidationRule(
    "(has(self.electionTimeoutMilliseconds) ? self.electionTimeoutMilliseconds : 1000) >= 5 * (has(self.heartbeatIntervalMilliseconds) ? self.heartbeatIntervalMilliseconds : 100)",
    message: "the election timeout must be at least five heartbeat intervals")]
public sealed class ServerOptionsSpec
{
    /// <summary>What the server takes where <see cref="HeartbeatIntervalMilliseconds"/> is absent.</summary>
    public const int DefaultHeartbeatIntervalMilliseconds = 100;

    /// <summary>What the server takes where <see cref="ElectionTimeoutMilliseconds"/> is absent.</summary>
    public const int DefaultElectionTimeoutMilliseconds = 1000;

    [Description("Time between two heartbeats of the leader, in milliseconds.")]
    [RangeMinimum(10)]
    [RangeMaximum(10000)]
    public int? HeartbeatIntervalMilliseconds { get; set; }

    [Description("Time without a heartbeat after which a member stands for election, in milliseconds; at least five heartbeats.")]
    [RangeMinimum(50)]
    [RangeMaximum(50000)]
    public int? ElectionTimeoutMilliseconds { get; set; }

    [Description("Number of applied entries after which a snapshot is taken and the log is cut.")]
    [RangeMinimum(1)]
    public long? SnapshotCount { get; set; }

    [Description("Bytes that the store may hold before it refuses writes.")]
    [RangeMinimum(1048576)]
    public long? QuotaBackendBytes { get; set; }

    [Description("Least level of the log lines that are written: debug, info, warn or error.")]
    [EnumValues("debug", "info", "warn", "error")]
    public string? LogLevel { get; set; }

    [Description("Further flags of the server by their names without dashes. Flags that the operator sets itself are refused.")]
    public IDictionary<string, string>? ExtraFlags { get; set; }
}
