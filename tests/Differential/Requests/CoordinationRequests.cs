using Google.Protobuf;
using Raft.Protocol.Etcd;
using Raft.Protocol.Etcd.Elections;
using Raft.Protocol.Etcd.Locks;

namespace Raft.Differential.Tests.Requests;

/// <summary>Locks and elections that nobody else wants: each lease has its own, so that no call waits for another one.</summary>
internal sealed class CoordinationRequests(Draw draw)
{
    private const long NoLease = 7;

    private static readonly long[] Leases = [1001, 1002];

    public IEnumerable<Call> Any() => draw.Weighted<IEnumerable<Call>>(
        (2, () => [new(new LeaseGrantRequest { ID = draw.Of(Leases), TTL = 3000 })]),
        (4, () => [new(Lock(Lease()))]),
        (2, () => [new(new UnlockRequest { Key = Key("lock", Lease()) })]),
        (4, () => [new(Campaign(Lease()))]),
        (3, CampaignAndProclaim),
        (2, () => [new(new ProclaimRequest { Leader = Leader(Lease()), Value = KvRequests.Bytes("later") })]),
        (3, () => [new(new LeaderRequest { Name = KvRequests.Bytes($"election-{Lease()}") })]),
        (2, () => [new(new ResignRequest { Leader = Leader(Lease()) })]));

    private long Lease() => draw.Percent(8) ? NoLease : draw.Of(Leases);

    private static LockRequest Lock(long lease) => new() { Name = KvRequests.Bytes($"lock-{lease}"), Lease = lease };

    private CampaignRequest Campaign(long lease) =>
        new() { Name = KvRequests.Bytes($"election-{lease}"), Lease = lease, Value = KvRequests.Bytes(draw.Of("", "one", "two")) };

    private Call[] CampaignAndProclaim()
    {
        var lease = Lease();
        return
        [
            new(new ResignRequest { Leader = Leader(lease) }),
            new(Campaign(lease)),
            new(new ProclaimRequest { Leader = Leader(lease, revision: Symbols.Revision(0)), Value = KvRequests.Bytes("said") }),
            new(new ResignRequest { Leader = Leader(lease, revision: Symbols.Revision(-draw.Below(3))) }),
        ];
    }

    private LeaderKey Leader(long lease) => Leader(lease, Symbols.Revision(-draw.Below(6)));

    private static LeaderKey Leader(long lease, long revision) =>
        new() { Name = KvRequests.Bytes($"election-{lease}"), Key = Key("election", lease), Rev = revision, Lease = lease };

    /// <summary>The name, and the lease in hexadecimal.</summary>
    private static ByteString Key(string kind, long lease) => KvRequests.Bytes($"{kind}-{lease}/{lease:x}");
}
