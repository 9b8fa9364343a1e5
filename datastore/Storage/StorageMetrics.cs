using System.Diagnostics.Metrics;

namespace Raft.Storage;

/// <summary>What Storage counts and measures, under etcd's names where the thing is the same. Listen to the meter by name.</summary>
public static class StorageMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Raft.Storage";

    private static readonly Meter Meter = new(MeterName);

    // etcd's buckets: 1 ms, doubled thirteen times.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [.. Enumerable.Range(0, 14).Select(power => 0.001 * (1 << power))],
    };

    /// <summary>How long the writes and the sync of one batch took.</summary>
    internal static readonly Histogram<double> LogSyncSeconds = Meter.CreateHistogram(
        "etcd_disk_wal_fsync_duration_seconds", description: "Duration of a write-ahead log write and sync.", advice: Seconds);

    /// <summary>Syncs of the log.</summary>
    internal static readonly Counter<long> LogSyncs = Meter.CreateCounter<long>(
        "raft_disk_wal_syncs_total", description: "Syncs of the write-ahead log.");

    /// <summary>Writes that shared those syncs.</summary>
    internal static readonly Counter<long> LogWrites = Meter.CreateCounter<long>(
        "raft_disk_wal_writes_total", description: "Writes that the syncs of the write-ahead log made durable.");

    /// <summary>How long a flush of the ordered store took.</summary>
    internal static readonly Histogram<double> StoreFlushSeconds = Meter.CreateHistogram(
        "etcd_disk_backend_commit_duration_seconds", description: "Duration of a flush of the ordered store.", advice: Seconds);

    /// <summary>How long it took to make a snapshot.</summary>
    internal static readonly Histogram<double> SnapshotSeconds = Meter.CreateHistogram(
        "etcd_disk_backend_snapshot_duration_seconds", description: "Duration of taking a snapshot.", advice: Seconds);
}
