namespace Raft.Benchmarks.Servers;

/// <summary>A server that is compared: how one of its members is started.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Program">What to run.</param>
/// <param name="IsDurable">Whether it stores anything, and so can be broken and restarted.</param>
/// <param name="Arguments">Of a member that forms a cluster with the others.</param>
internal sealed record ServerKind(
    string Name, string Program, bool IsDurable, Func<Member, IReadOnlyList<Member>, IEnumerable<string>> Arguments)
{
    /// <summary>The one that all are compared with.</summary>
    public const string Ours = "raft";

    public const string Etcd = "etcd";

    public const string Ceiling = "ceiling";

    // Above etcd's default, so that a long run meets no alarm.
    private const string Quota = "--quota-backend-bytes=8589934592";

    public static ServerKind Of(string name, string raft, string etcd) => name switch
    {
        Ours => new(Ours, raft, IsDurable: true, (member, all) => [.. ClusterFlags(member, all), "--log-level=warn"]),
        Etcd => new(Etcd, etcd, IsDurable: true, (member, all) => [.. ClusterFlags(member, all), "--logger=zap", "--log-level=warn"]),
        Ceiling => new(
            Ceiling, Environment.ProcessPath!, IsDurable: false, (member, _) => [CeilingProcess.Command, $"{member.ClientPort}"]),
        _ => throw new ArgumentException($"'{name}' is no server; there are {Ours}, {Etcd} and {Ceiling}"),
    };

    /// <summary>The same for both, by design; everything else is left at its default, the syncs above all.</summary>
    private static IEnumerable<string> ClusterFlags(Member member, IReadOnlyList<Member> all) =>
    [
        $"--name={member.Name}", $"--data-dir={member.DataDirectory}",
        $"--listen-client-urls={member.ClientUrl}", $"--advertise-client-urls={member.ClientUrl}",
        $"--listen-peer-urls={member.PeerUrl}", $"--initial-advertise-peer-urls={member.PeerUrl}",
        $"--initial-cluster={string.Join(',', all.Select(other => $"{other.Name}={other.PeerUrl}"))}",
        "--initial-cluster-state=new", Quota,
    ];
}
