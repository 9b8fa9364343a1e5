using System.Collections.Frozen;
using System.Globalization;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Objects;

/// <summary>The server's command line. Names in $(...) are filled in by the kubelet, so one template serves every pod.</summary>
public static class ServerFlags
{
    /// <summary>Flags that the operator sets, or that would break what it relies on; users may not.</summary>
    public static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
    [
        "name", "data-dir", "wal-dir", "config-file", "listen-client-urls", "advertise-client-urls", "listen-peer-urls",
        "initial-advertise-peer-urls", "listen-metrics-urls", "initial-cluster", "initial-cluster-state", "initial-cluster-token",
        "force-new-cluster", "discovery", "discovery-srv", "cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "auto-tls",
        "client-cert-allowed-hostname", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-client-cert-auth", "peer-auto-tls",
        "heartbeat-interval", "election-timeout", "snapshot-count", "quota-backend-bytes", "log-level",
    ], StringComparer.Ordinal);

    /// <summary>Where the volume is mounted.</summary>
    public const string VolumePath = "/var/lib/raft";

    /// <summary>Where the Secrets are mounted.</summary>
    public const string TlsPath = "/etc/raft/tls";

    /// <summary>All flags of the server in the cluster of <paramref name="cluster"/>.</summary>
    public static IEnumerable<string> Of(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        var scheme = cluster.Spec.Tls.Enabled ? "https" : "http";
        var host = names.Host("$(POD_NAME)").Replace($".{names.Namespace}.svc", ".$(POD_NAMESPACE).svc", StringComparison.Ordinal);
        yield return "--name=$(POD_NAME)";
        yield return $"--data-dir={VolumePath}/data";
        yield return $"--listen-client-urls={scheme}://0.0.0.0:{ClusterNames.ClientPort}";
        yield return $"--advertise-client-urls={scheme}://{host}:{ClusterNames.ClientPort}";
        yield return $"--listen-peer-urls={scheme}://0.0.0.0:{ClusterNames.PeerPort}";
        yield return $"--initial-advertise-peer-urls={scheme}://{host}:{ClusterNames.PeerPort}";
        yield return $"--listen-metrics-urls=http://0.0.0.0:{ClusterNames.MetricsPort}";
        yield return "--initial-cluster-state=await";
        foreach (var flag in cluster.Spec.Tls.Enabled ? Certificates() : []) yield return flag;
        foreach (var flag in cluster.Spec.ServerOptions is { } options ? Options(options) : []) yield return flag;
    }

    private static IEnumerable<string> Certificates()
    {
        foreach (var (prefix, folder) in new[] { ("", "server"), ("peer-", "peer") })
        {
            yield return $"--{prefix}cert-file={TlsPath}/{folder}/tls.crt";
            yield return $"--{prefix}key-file={TlsPath}/{folder}/tls.key";
            yield return $"--{prefix}trusted-ca-file={TlsPath}/{folder}/ca.crt";
            yield return $"--{prefix}client-cert-auth=true";
        }
    }

    private static IEnumerable<string> Options(ServerOptionsSpec options)
    {
        if (options.HeartbeatIntervalMilliseconds is { } heartbeat) yield return Flag("heartbeat-interval", heartbeat);
        if (options.ElectionTimeoutMilliseconds is { } election) yield return Flag("election-timeout", election);
        if (options.SnapshotCount is { } entries) yield return Flag("snapshot-count", entries);
        if (options.QuotaBackendBytes is { } bytes) yield return Flag("quota-backend-bytes", bytes);
        if (options.LogLevel is { } level) yield return $"--log-level={level}";
        foreach (var (name, value) in (options.ExtraFlags ?? new Dictionary<string, string>()).OrderBy(pair => pair.Key, StringComparer.Ordinal))
            yield return $"--{name}={value}";
    }

    private static string Flag(string name, long value) => string.Create(CultureInfo.InvariantCulture, $"--{name}={value}");
}
