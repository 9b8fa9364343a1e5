using System.Collections.Immutable;
using k8s;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests;

/// <summary>
/// An observation of a healthy cluster, to be spoilt by a test in one respect. Member n has identity n + 1; member 0 leads.
/// </summary>
internal sealed class Seen
{
    private readonly Dictionary<int, PodView?> _pods = [];
    private readonly Dictionary<int, VolumeView?> _volumes = [];
    private readonly Dictionary<int, MemberProbe> _probes = [];
    private readonly List<MemberRecord> _records = [];
    private string _unknown = string.Empty;

    public Seen(RaftCluster cluster, int? members = null)
    {
        Cluster = cluster;
        Desired = new DesiredState(cluster);
        Names = ClusterNames.Of(cluster);
        var count = members ?? cluster.Spec.Replicas;
        StatefulSet = Desired.StatefulSet(count, Desired.Template, Desired.StorageSize);
        StatefulSet.Metadata.Uid = "set-uid";
        cluster.Status = new RaftClusterStatus { ClusterId = "c1", FirstMemberId = "1", Bootstrapped = true };
        for (var ordinal = 0; ordinal < count; ordinal++)
        {
            Pod(ordinal, pod => pod);
            Volume(ordinal, volume => volume with { MemberId = Id(ordinal) });
            Listed(ordinal);
            Answers(ordinal);
        }
    }

    public static readonly ClusterId ClusterId = new(0xc1);

    public RaftCluster Cluster { get; }
    public DesiredState Desired { get; }
    public ClusterNames Names { get; }
    public V1StatefulSet? StatefulSet { get; set; }
    public int LeaderOrdinal { get; set; }
    public DateTimeOffset Now { get; set; } = Given.Start + TimeSpan.FromHours(1);
    public ImmutableArray<SecretView> Secrets { get; set; } = [];
    public List<IKubernetesObject<V1ObjectMeta>>? Objects { get; set; }
    public string Hash => Planning.Objects.TemplateHash.Of(Desired.Template)!;

    public static MemberId Id(int ordinal) => new((ulong)ordinal + 1);

    public Seen Pod(int ordinal, Func<PodView, PodView?> change)
    {
        _pods[ordinal] = change(_pods.GetValueOrDefault(ordinal) ?? new PodView
        {
            Ordinal = ordinal,
            Name = Names.Pod(ordinal),
            Uid = $"pod-{ordinal}",
            TemplateHash = Hash,
            Image = "raft-datastore:1",
            Ip = "10.0.0.1",
            Node = $"node-{ordinal}",
            Ready = true,
            CreatedAt = Given.Start,
            ReadyChangedAt = Given.Start,
            ClusterUid = Given.Uid,
        });
        return this;
    }

    public Seen Outdated(params int[] ordinals)
    {
        foreach (var ordinal in ordinals) Pod(ordinal, pod => pod with { TemplateHash = "old" });
        return this;
    }

    public Seen Volume(int ordinal, Func<VolumeView, VolumeView?> change)
    {
        _volumes[ordinal] = change(_volumes.GetValueOrDefault(ordinal) ?? new VolumeView
        {
            Ordinal = ordinal,
            Name = Names.Claim(ordinal),
            Uid = $"volume-{ordinal}",
            ClusterUid = Given.Uid,
            Requested = Desired.StorageSize,
            Capacity = Desired.StorageSize,
        });
        return this;
    }

    public Seen Listed(int ordinal, bool learner = false, bool started = true, MemberId? id = null)
    {
        _records.RemoveAll(record => record.PeerUrls[0] == Names.PeerUrl(Names.Pod(ordinal), tls: false));
        _records.Add(new MemberRecord(
            id ?? Id(ordinal), started ? Names.Pod(ordinal) : string.Empty, [Names.PeerUrl(Names.Pod(ordinal), tls: false)], learner));
        return this;
    }

    public Seen NotListed(int ordinal)
    {
        _records.RemoveAll(record => record.PeerUrls[0] == Names.PeerUrl(Names.Pod(ordinal), tls: false));
        return this;
    }

    public Seen ListUnknown()
    {
        _unknown = "no leader";
        return this;
    }

    public Seen Answers(int ordinal, MemberProbe probe)
    {
        _probes[ordinal] = probe;
        return this;
    }

    public Seen Answers(int ordinal, MemberId? id = null, ulong applied = 100_000, bool leaderless = false) => Answers(
        ordinal, new MemberProbe.Initialized(ClusterId, id ?? Id(ordinal), "0.1.0", new MemberReport(leaderless ? null : Id(LeaderOrdinal), 7, applied, applied)));

    /// <summary>The pod runs with an empty disk.</summary>
    public Seen Blank(int ordinal)
    {
        Pod(ordinal, pod => pod with { Ready = false });
        Volume(ordinal, volume => volume with { MemberId = null });
        return Answers(ordinal, new MemberProbe.Awaiting("0.1.0"));
    }

    /// <summary>The pod is there but does not work.</summary>
    public Seen Down(int ordinal, string? trouble = null)
    {
        Pod(ordinal, pod => pod with { Ready = false, Trouble = trouble });
        return Answers(ordinal, new MemberProbe.Unreachable("connection refused"));
    }

    public Seen Leader(int ordinal)
    {
        LeaderOrdinal = ordinal;
        foreach (var other in _probes.Keys.ToList())
            if (_probes[other] is MemberProbe.Initialized) Answers(other);
        return this;
    }

    public ClusterObservation Observation => new()
    {
        StatefulSet = StatefulSet,
        Pods = [.. _pods.Values.OfType<PodView>()],
        Volumes = [.. _volumes.Values.OfType<VolumeView>()],
        Probes = _probes.ToImmutableDictionary(pair => Names.Pod(pair.Key), pair => pair.Value),
        Members = _unknown.Length > 0 ? new MemberList.Unknown(_unknown) : new MemberList.Known([.. _records]),
        Objects = [.. Objects ?? [Desired.ServiceAccount, Desired.PeerService, Desired.ClientService]],
        Secrets = Secrets,
        FreshIdentity = new FreshIdentity(new ClusterId(0xf00d), new MemberId(0xbeef)),
    };

    public Plan Plan() => Planner.Plan(Desired, Observation, Now);

    /// <summary>The planned step, which must be of this kind.</summary>
    public T Step<T>()
        where T : Step => Assert.IsType<T>(Plan().Step);
}
