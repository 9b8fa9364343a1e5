using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Requests;

/// <summary>Leases with given and chosen ids. None of them lives so short that a sequence could see it expire.</summary>
internal sealed class LeaseRequests(Draw draw)
{
    private const long TtlMax = 9_000_000_000;

    private static readonly long[] Ids = [1001, 1002, 1003];

    private int _chosen;

    /// <summary>An id that may be granted, or not; 7 never is.</summary>
    public long Id() => draw.Weighted<long>(
        (12, () => draw.Of(Ids)), (_chosen > 0 ? 6 : 0, () => Symbols.Lease(draw.Below(_chosen))), (1, () => 7), (1, () => -5));

    public IEnumerable<Call> Any() => draw.Weighted<IEnumerable<Call>>(
        (10, () => [new(Grant())]),
        (2, ShortLived),
        (3, () => [new(new LeaseRevokeRequest { ID = Id() })]),
        (3, () => [new(new LeaseKeepAliveRequest { ID = Id() })]),
        (4, () => [new(new LeaseTimeToLiveRequest { ID = Id(), Keys = draw.Percent(60) })]),
        (2, () => [new(new LeaseLeasesRequest())]));

    private LeaseGrantRequest Grant()
    {
        if (draw.Percent(30))
        {
            _chosen++;
            return new() { TTL = draw.Between(1000, 5000) };
        }

        return new() { ID = Id() is var id && Symbols.IsLease(id) ? Ids[0] : id, TTL = draw.Percent(10) ? draw.Of(TtlMax, TtlMax + 1, long.MaxValue) : draw.Between(1000, 5000) };
    }

    /// <summary>Too short a time is made longer, which the answer says; the lease is revoked before it can expire.</summary>
    private Call[] ShortLived() =>
    [
        new(new LeaseGrantRequest { ID = 1009, TTL = draw.Of(0, -1, 1, 2, long.MinValue) }),
        new(new LeaseRevokeRequest { ID = 1009 }),
    ];
}
