using System.Diagnostics.Metrics;
using Raft.Consensus;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;

namespace Raft.Server.Health;

/// <summary>What a member tells Prometheus of itself, under etcd's names where the thing is the same, so that its dashboards work.</summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Raft.Server";

    private readonly Meter _meter = new(MeterName);

    public ServerMetrics(MemberHost host)
    {
        void Gauge(string name, string description, Func<NodeStatus, long> value) =>
            _meter.CreateObservableGauge(name, () => Observe(status => value(status)), description: description);
        void Counter(string name, string description, Func<NodeStatus, long> value) =>
            _meter.CreateObservableCounter(name, () => Observe(status => value(status)), description: description);
        IEnumerable<Measurement<long>> Observe(Func<NodeStatus, long> value) =>
            host.Running is { } member ? [new(value(member.Node.Status))] : [];
        IEnumerable<Measurement<long>> Of(Func<RunningMember, long> value) => host.Running is { } member ? [new(value(member))] : [];
        void Store(string name, string description, Func<RunningMember, long> value) =>
            _meter.CreateObservableGauge(name, () => Of(value), description: description);
        void StoreCounter(string name, string description, Func<RunningMember, long> value) =>
            _meter.CreateObservableCounter(name, () => Of(value), description: description);

        Gauge("etcd_server_has_leader", "Whether a leader exists. 1 is existence, 0 is not.", status => status.Consensus.Leader == MemberId.None ? 0 : 1);
        Gauge("etcd_server_is_leader", "Whether this member is the leader.", status => status.IsLeader ? 1 : 0);
        Gauge("etcd_server_is_learner", "Whether this member is a learner.", status => status.IsLearner ? 1 : 0);
        Counter("etcd_server_leader_changes_seen_total", "Leader changes seen.", status => status.Counters.LeaderChanges);
        Counter("etcd_server_proposals_failed_total", "Proposals that failed.", status => status.Counters.ProposalsFailed);
        Gauge("etcd_server_proposals_committed_total", "Consensus proposals committed.", status => (long)status.Consensus.Commit.Value);
        Gauge("etcd_server_proposals_applied_total", "Consensus proposals applied.", status => (long)status.Consensus.Applied.Value);
        Gauge("etcd_server_proposals_pending", "Proposals that wait to be committed.", status => status.PendingProposals);
        Counter("raft_server_linearizable_reads_total", "Reads that asked a quorum.", status => status.Counters.Reads);
        Counter("raft_server_log_compactions_total", "Times that the log was compacted.", status => status.Counters.Compactions);
        Gauge("raft_server_term", "Term of the member.", status => (long)status.Consensus.Term.Value);
        Store("etcd_mvcc_db_total_size_in_bytes", "Size of the store on disk.", member => member.Store.SizeBytes.Total);
        Store("etcd_mvcc_db_total_size_in_use_in_bytes", "Size of the live data in the store.", member => member.Store.SizeBytes.InUse);
        StoreCounter("raft_server_corruption_checks_total", "Checks of all members for corruption that this one made as the leader.", member => member.Corruption.Checks);
        StoreCounter("raft_server_corruption_found_total", "Such checks that found members which do not hold what the others hold.", member => member.Corruption.Found);
        Store("raft_server_corrupt_alarms", "Alarms CORRUPT that are active in the cluster.", CorruptAlarms);
        Store("etcd_debugging_mvcc_current_revision", "Current revision of the store.", member => member.Node.Store.Revision);
        Store("etcd_debugging_mvcc_compact_revision", "Compacted revision of the store.", member => member.Node.Store.CompactedRevision);
        Store("etcd_debugging_mvcc_watcher_total", "Open watches.", member => member.Node.Watches.Watchers);
        Store("etcd_debugging_mvcc_slow_watcher_total", "Open watches that have to catch up.", member => member.Node.Watches.WatchersBehind);
        Store("etcd_debugging_mvcc_watch_stream_total", "Open streams of watches.", member => member.Node.Watches.Streams);
        StoreCounter("etcd_debugging_mvcc_events_total", "Events sent to watchers.", member => member.Node.Watches.EventsSent);
        _meter.CreateObservableGauge(
            "etcd_server_version",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("server_version", ProductVersion.EtcdApi)),
            description: "Which etcd API version is served.");
    }

    public void Dispose() => _meter.Dispose();

    private static long CorruptAlarms(RunningMember member)
    {
        using var view = member.Node.Store.OpenView();
        return view.Alarms(AlarmType.Corrupt).Count;
    }
}
