using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests.Simulated;

internal sealed class Member(MemberId id, int ordinal)
{
    public MemberId Id => id;
    public int Ordinal => ordinal;
    public bool Started { get; set; }
    public bool IsLearner { get; set; } = true;
}

/// <summary>The part of a Raft cluster that membership needs: who is in it, who leads, how far each one is.</summary>
internal sealed class RaftGroup(Random random, Kubernetes kubernetes, ClusterNames names)
{
    private const ulong CatchUpPerTick = 4000;

    public ClusterId? Id { get; private set; }
    public List<Member> Members { get; } = [];
    public MemberId? LeaderId { get; private set; }
    public ulong Committed { get; private set; } = 20000;
    public ulong Term { get; private set; } = 1;
    public int LeadershipChanges { get; private set; }
    public HashSet<ClusterId> Founded { get; } = [];
    public Dictionary<MemberId, Disk> FirstDisk { get; } = [];

    public IEnumerable<Member> Voters => Members.Where(member => !member.IsLearner);
    public int Quorum => (Voters.Count() / 2) + 1;
    public bool HasQuorum => Id is not null && Voters.Count(IsUp) >= Quorum;

    public bool IsUp(Member member) =>
        kubernetes.Pods.TryGetValue(member.Ordinal, out var pod) && pod.Running && pod.Claim!.Disk.Member == member.Id && pod.Claim.Disk.Cluster == Id;

    public void Tick()
    {
        if (Id is null) return;
        if (LeaderId is { } leader && Members.FirstOrDefault(member => member.Id == leader) is var current && (current is null || !IsUp(current)))
            LeaderId = null;
        if (!HasQuorum) LeaderId = null;
        if (LeaderId is null && HasQuorum) Lead(Voters.Where(IsUp).OrderByDescending(Applied).ThenBy(_ => random.Next()).First().Id);
        if (LeaderId is not null) Committed += (ulong)random.Next(100);

        foreach (var member in Members)
        {
            if (!IsUp(member) || LeaderId is null) continue;
            member.Started = true;
            var disk = kubernetes.Pods[member.Ordinal].Claim!.Disk;
            disk.Applied = member.Id == LeaderId ? Committed : Math.Min(Committed, disk.Applied + CatchUpPerTick);
        }
        foreach (var pod in kubernetes.Pods.Values)
        {
            var member = Members.FirstOrDefault(member => member.Ordinal == pod.Ordinal && IsUp(member));
            kubernetes.SetReady(pod, LeaderId is not null && member is not null);
        }
    }

    /// <summary>What a waiting member does when it is told who it is. Only a blank disk takes an identity.</summary>
    public void Initialize(Pod pod, ClusterId cluster, MemberId member, bool form)
    {
        if (!pod.Running) return;
        var disk = pod.Claim!.Disk;
        if (disk.Member is not null) return;
        Assert.True(FirstDisk.TryAdd(member, disk) || FirstDisk[member] == disk, $"member {member} lives on two disks");
        disk.Cluster = cluster;
        disk.Member = member;
        if (!form) return;
        Founded.Add(cluster);
        Assert.True(Founded.Count == 1, "a second cluster was founded");
        Id = cluster;
        disk.Applied = Committed;
        Members.Add(new Member(member, pod.Ordinal) { IsLearner = false });
    }

    public void Move(MemberId to)
    {
        if (Voters.FirstOrDefault(member => member.Id == to) is { } target && IsUp(target) && HasQuorum) Lead(to);
    }

    private void Lead(MemberId leader)
    {
        if (LeaderId == leader) return;
        LeaderId = leader;
        Term++;
        LeadershipChanges++;
    }

    private ulong Applied(Member member) => kubernetes.Pods[member.Ordinal].Claim!.Disk.Applied;

    public MemberList List() => HasQuorum && LeaderId is not null
        ? new MemberList.Known([.. Members.Select(member => new MemberRecord(
            member.Id, member.Started ? names.Pod(member.Ordinal) : string.Empty, [names.PeerUrl(names.Pod(member.Ordinal), tls: false)], member.IsLearner))])
        : new MemberList.Unknown("no leader");

    public MemberProbe Probe(Pod pod)
    {
        if (!pod.Running) return new MemberProbe.Unreachable("connection refused");
        var disk = pod.Claim!.Disk;
        if (disk is not { Member: { } id, Cluster: { } cluster }) return new MemberProbe.Awaiting();
        // A member that learns that it was removed stops.
        if (LeaderId is not null && Members.All(member => member.Id != id)) return new MemberProbe.Unreachable("connection refused");
        return new MemberProbe.Initialized(cluster, id, "1", new MemberReport(LeaderId, Term, Committed, disk.Applied));
    }
}
