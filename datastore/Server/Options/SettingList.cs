using System.Globalization;

namespace Raft.Server.Options;

/// <summary>One setting: a flag, an environment variable and a key of the configuration file, all of the same name.</summary>
/// <param name="Name">The flag without its dashes.</param>
/// <param name="Default">What holds if it is not given.</param>
/// <param name="Description">For --help.</param>
/// <param name="Apply">Puts the text into the options.</param>
internal sealed record Setting(string Name, string Default, string Description, Func<ServerOptions, string, ServerOptions> Apply)
{
    public string EnvironmentVariable => "RAFT_" + Name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>A value that does not fit its setting; the message says what would.</summary>
internal sealed class SettingException(string message) : Exception(message);

/// <summary>Every setting there is. Names are etcd's where etcd has the thing.</summary>
internal static class SettingList
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("name", "default", "Name of this member, for people.", (o, v) => o with { Name = v }),
        new("data-dir", "", "Where this member keeps its data; default <name>.raft.", (o, v) => o with { DataDirectory = v }),
        new("listen-client-urls", "http://localhost:2379", "URLs to serve clients on, comma-separated.",
            (o, v) => o with { ListenClientUrls = Urls(v) }),
        new("advertise-client-urls", "", "Client URLs to tell the cluster; default: those that are listened on.",
            (o, v) => o with { AdvertiseClientUrls = Urls(v) }),
        new("listen-peer-urls", "http://localhost:2380", "URLs to serve the other members on.", (o, v) => o with { ListenPeerUrls = Urls(v) }),
        new("initial-advertise-peer-urls", "", "Peer URLs to tell the cluster; default: those that are listened on.",
            (o, v) => o with { AdvertisePeerUrls = Urls(v) }),
        new("listen-metrics-urls", "", "Further URLs for /metrics, /health, /livez and /readyz, without client certificates.",
            (o, v) => o with { ListenMetricsUrls = Urls(v) }),
        new("initial-cluster", "", "First members as name=peer-url, comma-separated; default: this member alone.",
            (o, v) => o with { InitialCluster = Cluster(v) }),
        new("initial-cluster-state", "new", "new, existing, or await (wait to be told by raft.v1.Bootstrap/Initialize). Empty data directory only.",
            (o, v) => o with { InitialClusterState = Choice<InitialClusterState>(v) }),
        new("initial-cluster-token", "etcd-cluster", "Keeps clusters of the same members apart.", (o, v) => o with { InitialClusterToken = v }),
        new("heartbeat-interval", "100", "Time between heartbeats, in milliseconds.", (o, v) => o with { HeartbeatInterval = Milliseconds(v) }),
        new("election-timeout", "1000", "Time without a leader before a member campaigns, in milliseconds.",
            (o, v) => o with { ElectionTimeout = Milliseconds(v) }),
        new("snapshot-count", "100000", "Applied entries after which the state is flushed and the log compacted; earlier when they are large.",
            (o, v) => o with { SnapshotCount = (int)Number(v, 1, int.MaxValue) }),
        new("quota-backend-bytes", "0", "Size of the store that raises the alarm NOSPACE; 0: 2 GiB, below 0: none.",
            (o, v) => o with { QuotaBackendBytes = Number(v, -1, long.MaxValue) switch { 0 => 2L << 30, < 0 => long.MaxValue, var n => n } }),
        new("max-request-bytes", "1572864", "Largest request of a client, in bytes.",
            (o, v) => o with { MaxRequestBytes = (int)Number(v, 1024, 128 << 20) }),
        new("max-txn-ops", "128", "Most operations of a transaction.", (o, v) => o with { MaxTxnOps = (int)Number(v, 1, 1 << 20) }),
        new("max-concurrent-streams", "4294967295", "Most calls at once on one client connection.",
            (o, v) => o with { MaxConcurrentStreams = (int)Math.Min(Number(v, 1, uint.MaxValue), int.MaxValue) }),
        new("max-open-calls", "0",
            "Most calls at once of all clients of this member, open streams among them; 0: as many as a quarter of the memory has room for.",
            (o, v) => o with { MaxOpenCalls = (int)Number(v, 0, int.MaxValue) }),
        new("max-watchers", "0", "Most watches at once on this member; 0: as many as an eighth of the memory has room for.",
            (o, v) => o with { MaxWatchers = (int)Number(v, 0, int.MaxValue) }),
        new("max-watchers-per-stream", "200000", "Most watches at once on one stream of a client.",
            (o, v) => o with { MaxWatchersPerStream = (int)Number(v, 1, int.MaxValue) }),
        new("auto-compaction-mode", "periodic", "What --auto-compaction-retention counts: periodic (time) or revision.",
            (o, v) => o with { AutoCompaction = o.AutoCompaction with { Mode = Choice<AutoCompactionMode>(v) } }),
        new("auto-compaction-retention", "0",
            "History that the leader keeps when it compacts by itself: a duration such as 30m or a number of hours, or a number of revisions; 0: it does not.",
            (o, v) => o with { AutoCompaction = o.AutoCompaction.Keep(v) }),
        new("watch-progress-notify-interval", "600000", "Time after which a watch that wishes it is told that nothing happened, in milliseconds.",
            (o, v) => o with { WatchProgressNotifyInterval = Milliseconds(v) }),
        new("initial-corrupt-check", "true", "Compare what this member holds with the others, by hashes, before it serves.",
            (o, v) => o with { InitialCorruptCheck = Flag(v) }),
        new("corrupt-check-time", "10m", "How often the leader compares what all members hold: 90s, 10m, 1h30m; 0: never.",
            (o, v) => o with { CorruptCheckTime = v is "0" or "0s" ? TimeSpan.Zero : Duration(v) }),
        new("cert-file", "", "Certificate for clients (PEM).", (o, v) => o with { ClientTls = o.ClientTls with { CertificateFile = v } }),
        new("key-file", "", "Key of the certificate for clients (PEM).", (o, v) => o with { ClientTls = o.ClientTls with { KeyFile = v } }),
        new("trusted-ca-file", "", "Authorities whose client certificates are accepted (PEM).",
            (o, v) => o with { ClientTls = o.ClientTls with { TrustedCaFile = v } }),
        new("client-cert-auth", "false", "Demand a certificate of every client.",
            (o, v) => o with { ClientTls = o.ClientTls with { RequireClientCertificate = Flag(v) } }),
        new("client-cert-allowed-hostname", "",
            "Host names or addresses, comma-separated: a client's certificate must cover one of them; default: it need not.",
            (o, v) => o with { ClientTls = o.ClientTls with { Allowed = o.ClientTls.Allowed with { HostNames = HostNames(v) } } }),
        new("peer-cert-file", "", "Certificate for the other members, as server and client (PEM).",
            (o, v) => o with { PeerTls = o.PeerTls with { CertificateFile = v } }),
        new("peer-key-file", "", "Key of the certificate for the other members (PEM).",
            (o, v) => o with { PeerTls = o.PeerTls with { KeyFile = v } }),
        new("peer-trusted-ca-file", "", "Authorities whose member certificates are accepted (PEM).",
            (o, v) => o with { PeerTls = o.PeerTls with { TrustedCaFile = v } }),
        new("peer-client-cert-auth", "false", "Demand a certificate of every other member.",
            (o, v) => o with { PeerTls = o.PeerTls with { RequireClientCertificate = Flag(v) } }),
        new("peer-cert-allowed-cn", "",
            "Common names, comma-separated: a member's certificate must have one of them; default: it need not.",
            (o, v) => o with { PeerTls = o.PeerTls with { Allowed = o.PeerTls.Allowed with { CommonNames = Names(v) } } }),
        new("peer-cert-allowed-hostname", "",
            "Host names or addresses, comma-separated: a member's certificate must cover one of them; default: it need not.",
            (o, v) => o with { PeerTls = o.PeerTls with { Allowed = o.PeerTls.Allowed with { HostNames = HostNames(v) } } }),
        new("auth-token", "simple", "How tokens of users are made: simple, or jwt,sign-method=RS256,priv-key=FILE[,pub-key=FILE][,ttl=5m].",
            (o, v) => o with { AuthToken = TokenSettings.Parse(v) }),
        new("auth-token-ttl", "300", "Time without use after which a simple token expires, in seconds.",
            (o, v) => o with { AuthTokenTtl = TimeSpan.FromSeconds(Number(v, 1, int.MaxValue)) }),
        new("bcrypt-cost", "10", "Cost of hashing and of comparing passwords, 4 to 31: each step doubles it.",
            (o, v) => o with { BcryptCost = (int)Number(v, 4, 31) }),
        new("shutdown-timeout", "10000", "Longest time to hand leadership over and finish requests on SIGTERM, in milliseconds.",
            (o, v) => o with { ShutdownTimeout = Milliseconds(v) }),
        new("log-level", "info", "debug, info, warn or error.", (o, v) => o with { LogLevel = Level(v) }),
        new("log-format", "console", "console or json.", (o, v) => o with
        {
            LogAsJson = v switch { "json" => true, "console" => false, _ => throw new SettingException("must be console or json") },
        }),
    ];

    private static Uri[] Urls(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Url)];

    private static Uri Url(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new SettingException($"'{text}' is no URL; write http://host:port or https://host:port");
        }

        if (url.AbsolutePath != "/" || url.Query.Length > 0)
        {
            throw new SettingException($"'{text}' has a path; write http://host:port or https://host:port");
        }

        return url.Authority.Contains(':', StringComparison.Ordinal)
            ? url
            : throw new SettingException($"'{text}' has no port; write {text.TrimEnd('/')}:2379, for example");
    }

    private static (string, string)[] Cluster(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part =>
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            return equals > 0
                ? (part[..equals], Canonical(Url(part[(equals + 1)..])))
                : throw new SettingException($"'{part}' is no member; write name=http://host:2380");
        })];

    /// <summary>Without the slash that <see cref="Uri"/> adds: URLs are compared as text.</summary>
    public static string Canonical(Uri url) => url.OriginalString.TrimEnd('/');

    /// <summary>Empty: none. A list without a name in it, which would allow everybody, is a mistake.</summary>
    private static string[] Names(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } names
            ? names
            : text.Length == 0 ? [] : throw new SettingException($"'{text}' names nobody");

    private static string[] HostNames(string text) =>
        [.. Names(text).Select(name => Uri.CheckHostName(name) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6
            ? name
            : throw new SettingException($"'{name}' is neither a host name nor an address"))];

    private static TimeSpan Milliseconds(string text) => TimeSpan.FromMilliseconds(Number(text, 1, int.MaxValue));

    private static TimeSpan Duration(string text) => GoDuration.TryParse(text) is { TotalSeconds: >= 1 } duration
        ? duration
        : throw new SettingException($"'{text}' must be 0 or a duration of a second or more: 90s, 10m, 1h30m");

    private static long Number(string text, long min, long max) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new SettingException($"'{text}' is no whole number from {min} to {max}");

    private static bool Flag(string text) => bool.TryParse(text, out var flag)
        ? flag
        : throw new SettingException($"'{text}' is neither true nor false");

    private static T Choice<T>(string text)
        where T : struct, Enum =>
        Enum.TryParse<T>(text, ignoreCase: true, out var choice) && Enum.IsDefined(choice)
            ? choice
            : throw new SettingException($"'{text}' is none of {string.Join(", ", Enum.GetNames<T>().Select(name => name.ToLowerInvariant()))}");

    private static LogLevel Level(string text) => text switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw new SettingException("must be debug, info, warn or error"),
    };
}
