namespace Raft.Server.Options;

/// <summary>How a member with an empty data directory gets into a cluster (etcd: --initial-cluster-state).</summary>
internal enum InitialClusterState
{
    /// <summary>Forms the cluster of --initial-cluster, together with the others named there.</summary>
    New,

    /// <summary>Joins a running cluster, to which it has been added.</summary>
    Existing,

    /// <summary>Waits until raft.v1.Bootstrap/Initialize says who it is.</summary>
    Await,
}

/// <summary>Files of one side's TLS. All empty: no TLS.</summary>
internal sealed record TlsFiles(string CertificateFile, string KeyFile, string TrustedCaFile, bool RequireClientCertificate)
{
    public static TlsFiles None { get; } = new("", "", "", false);

    /// <summary>Whose certificates are accepted, of all that the authorities signed.</summary>
    public AllowedNames Allowed { get; init; } = AllowedNames.Any;

    public bool IsEnabled => CertificateFile.Length > 0;
}

/// <summary>All settings of the process, checked. See <see cref="SettingList"/> for names, defaults and descriptions.</summary>
internal sealed record ServerOptions
{
    public string Name { get; init; } = "default";

    public string DataDirectory { get; init; } = "";

    public IReadOnlyList<Uri> ListenClientUrls { get; init; } = [];

    public IReadOnlyList<Uri> AdvertiseClientUrls { get; init; } = [];

    public IReadOnlyList<Uri> ListenPeerUrls { get; init; } = [];

    public IReadOnlyList<Uri> AdvertisePeerUrls { get; init; } = [];

    public IReadOnlyList<Uri> ListenMetricsUrls { get; init; } = [];

    public InitialClusterState InitialClusterState { get; init; }

    /// <summary>Name and peer URL, in the order given; a name may stand there several times.</summary>
    public IReadOnlyList<(string Name, string PeerUrl)> InitialCluster { get; init; } = [];

    public string InitialClusterToken { get; init; } = "etcd-cluster";

    public TimeSpan HeartbeatInterval { get; init; }

    public TimeSpan ElectionTimeout { get; init; }

    public int SnapshotCount { get; init; }

    public long QuotaBackendBytes { get; init; }

    public int MaxRequestBytes { get; init; }

    /// <summary>Bytes of a message that is read at all: some more than a request may have, so that its refusal can say why (as etcd).</summary>
    public int ReceivedBytesMax => MaxRequestBytes + (512 * 1024);

    public int MaxTxnOps { get; init; }

    public int MaxConcurrentStreams { get; init; }

    /// <summary>Calls of all clients that may be open at once on this member, streams among them; 0: as memory allows.</summary>
    public int MaxOpenCalls { get; init; }

    /// <summary>Watches of all clients of this member; 0: as memory allows.</summary>
    public int MaxWatchers { get; init; }

    public int MaxWatchersPerStream { get; init; }

    public AutoCompactionSettings AutoCompaction { get; init; } = AutoCompactionSettings.Off;

    public TimeSpan WatchProgressNotifyInterval { get; init; }

    /// <summary>Whether a member compares what it holds with the others before it serves.</summary>
    public bool InitialCorruptCheck { get; init; }

    /// <summary>How often the leader compares what all members hold; zero: never.</summary>
    public TimeSpan CorruptCheckTime { get; init; }

    public TlsFiles ClientTls { get; init; } = TlsFiles.None;

    public TlsFiles PeerTls { get; init; } = TlsFiles.None;

    public TokenSettings AuthToken { get; init; } = TokenSettings.Simple;

    /// <summary>Time without use after which a simple token expires.</summary>
    public TimeSpan AuthTokenTtl { get; init; }

    /// <summary>The logarithm to base two of the rounds that a password's hash takes.</summary>
    public int BcryptCost { get; init; }

    public TimeSpan ShutdownTimeout { get; init; }

    public LogLevel LogLevel { get; init; }

    public bool LogAsJson { get; init; }

    public int ElectionTicks => (int)(ElectionTimeout / HeartbeatInterval);
}
