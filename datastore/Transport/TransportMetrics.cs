using System.Diagnostics.Metrics;
using Raft.Consensus;

namespace Raft.Transport;

/// <summary>What Transport counts and measures, under etcd's names. Listen to the meter by name.</summary>
public static class TransportMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Raft.Transport";

    private static readonly Meter Meter = new(MeterName);

    internal static readonly Counter<long> SentBytes = Meter.CreateCounter<long>(
        "etcd_network_peer_sent_bytes_total", description: "Bytes sent to peers.");

    internal static readonly Counter<long> ReceivedBytes = Meter.CreateCounter<long>(
        "etcd_network_peer_received_bytes_total", description: "Bytes received from peers.");

    internal static readonly Counter<long> SendFailures = Meter.CreateCounter<long>(
        "etcd_network_peer_sent_failures_total", description: "Messages to peers that were dropped or whose sending failed.");

    internal static readonly Counter<long> ReceiveFailures = Meter.CreateCounter<long>(
        "etcd_network_peer_received_failures_total", description: "Calls of peers that were refused or broke off.");

    internal static readonly UpDownCounter<long> ActivePeers = Meter.CreateUpDownCounter<long>(
        "etcd_network_active_peers", description: "Peers to which a connection stands.");

    internal static readonly Counter<long> SnapshotsSent = Meter.CreateCounter<long>(
        "etcd_network_snapshot_send_success", description: "Snapshots sent.");

    internal static readonly Counter<long> SnapshotsFailed = Meter.CreateCounter<long>(
        "etcd_network_snapshot_send_failures", description: "Snapshots that could not be sent.");

    internal static readonly Counter<long> SnapshotsReceived = Meter.CreateCounter<long>(
        "etcd_network_snapshot_receive_success", description: "Snapshots received.");

    // etcd's buckets: 0.1 ms, doubled fifteen times.
    internal static readonly Histogram<double> RoundTripSeconds = Meter.CreateHistogram<double>(
        "etcd_network_peer_round_trip_time_seconds",
        description: "Time from a heartbeat to its answer.",
        advice: new() { HistogramBucketBoundaries = [.. Enumerable.Range(0, 16).Select(power => 0.0001 * (1 << power))] });

    internal static KeyValuePair<string, object?> To(MemberId member) => new("To", member.ToString());

    internal static KeyValuePair<string, object?> From(MemberId member) => new("From", member.ToString());
}
