using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.Etcd.Elections;
using ElectionClient = Raft.Protocol.Etcd.Elections.Election.ElectionClient;
using Pair = Raft.Protocol.Etcd.KeyValue;

namespace Raft.Server.Tests;

/// <summary>v3electionpb.Election, as its clients and etcdctl use it. The texts and codes of refusals are those of etcd 3.4 and 3.5.</summary>
public sealed class ElectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_first_candidate_leads_proclaims_resigns_and_the_next_one_follows()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var (first, second) = (Elections(cluster, 0), Elections(cluster, 1));
        await GrantAsync(cluster, 300, 301);

        var leader = await first.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 300, Value = Bytes("v1") });
        Assert.Equal(new LeaderKey { Name = Bytes("race"), Key = Bytes("race/12c"), Rev = 2, Lease = 300 }, leader.Leader);
        Assert.Equal(2, leader.Header.Revision);
        var next = second.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 301, Value = Bytes("w1") }).ResponseAsync;
        await UntilThereAreAsync(cluster, 2, "race/");

        Assert.Equal(4, (await second.ProclaimAsync(new ProclaimRequest { Leader = leader.Leader, Value = Bytes("v2") })).Header.Revision);
        var seen = await second.LeaderAsync(new LeaderRequest { Name = Bytes("race") });
        Assert.Equal(
            new Pair { Key = Bytes("race/12c"), CreateRevision = 2, ModRevision = 4, Version = 2, Value = Bytes("v2"), Lease = 300 }, seen.Kv);
        Assert.False(next.IsCompleted);

        Assert.Equal(5, (await first.ResignAsync(new ResignRequest { Leader = leader.Leader })).Header.Revision);
        Assert.Equal(new LeaderKey { Name = Bytes("race"), Key = Bytes("race/12d"), Rev = 3, Lease = 301 }, (await next).Leader);
        Assert.Equal(3, (await next).Header.Revision);
        Assert.Equal("w1", (await first.LeaderAsync(new LeaderRequest { Name = Bytes("race") })).Kv.Value.ToStringUtf8());
        Assert.Equal(5, (await first.ResignAsync(new ResignRequest { Leader = leader.Leader })).Header.Revision);
        await RefusedAsync("election: not leader", first.ProclaimAsync(new ProclaimRequest { Leader = leader.Leader, Value = Bytes("v3") }));
    }

    [Fact]
    public async Task Campaigning_again_changes_only_what_is_proclaimed()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var elections = Elections(cluster, 0);
        await GrantAsync(cluster, 1);
        CampaignRequest Campaign(string value) => new() { Name = Bytes("race"), Lease = 1, Value = Bytes(value) };

        var leader = await elections.CampaignAsync(Campaign("v1"));
        Assert.Equal(leader, await elections.CampaignAsync(Campaign("v1")));
        Assert.Equal(leader.Leader, (await elections.CampaignAsync(Campaign("v2"))).Leader);

        var seen = await elections.LeaderAsync(new LeaderRequest { Name = Bytes("race") });
        Assert.Equal(("v2", 2, 3), (seen.Kv.Value.ToStringUtf8(), seen.Kv.CreateRevision, seen.Kv.ModRevision));
    }

    [Fact]
    public async Task Observers_see_what_one_leader_after_the_other_says_from_before_there_is_any()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var elections = Elections(cluster, 0);
        await GrantAsync(cluster, 1, 2);
        using var limit = new CancellationTokenSource(Patience);
        using var observing = Elections(cluster, 2).Observe(new LeaderRequest { Name = Bytes("race") }, cancellationToken: limit.Token);
        var said = observing.ResponseStream;

        // Whether the observer begins before or after this, the first that it sees is this.
        var first = (await elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 1, Value = Bytes("v1") })).Leader;
        Assert.Equal(("race/1", "v1"), await NextAsync(said, limit.Token));
        Assert.True(said.Current.Header.Revision >= first.Rev);
        var next = elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 2, Value = Bytes("w1") }).ResponseAsync;
        await UntilThereAreAsync(cluster, 2, "race/");
        var proclaimed = await elections.ProclaimAsync(new ProclaimRequest { Leader = first, Value = Bytes("v2") });
        Assert.Equal(("race/1", "v2"), await NextAsync(said, limit.Token));
        Assert.Equal(proclaimed.Header.Revision, said.Current.Header.Revision);

        // The lease's end is the leader's end.
        await new Lease.LeaseClient(cluster.Channel(cluster.Members[0])).LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        Assert.Equal("race/2", (await next).Leader.Key.ToStringUtf8());
        Assert.Equal(("race/2", "w1"), await NextAsync(said, limit.Token));
        await elections.ResignAsync(new ResignRequest { Leader = (await next).Leader });
        await elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 2, Value = Bytes("w2") });
        Assert.Equal(("race/2", "w2"), await NextAsync(said, limit.Token));
    }

    [Fact]
    public async Task A_candidate_whose_lease_ends_is_told_and_one_who_gives_up_is_withdrawn()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var elections = Elections(cluster, 0);
        await GrantAsync(cluster, 1, 2, 3);
        await elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 1 });
        using var giveUp = new CancellationTokenSource();
        var expiring = elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 2 });
        var impatient = elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 3 }, cancellationToken: giveUp.Token);
        await UntilThereAreAsync(cluster, 3, "race/");

        await giveUp.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => impatient.ResponseAsync)).StatusCode);
        await UntilThereAreAsync(cluster, 2, "race/");
        await new Lease.LeaseClient(cluster.Channel(cluster.Members[0])).LeaseRevokeAsync(new LeaseRevokeRequest { ID = 2 });
        await RefusedAsync("election: not leader", expiring);
    }

    [Fact]
    public async Task Refusals_are_those_of_etcd()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var elections = Elections(cluster, 0);
        var wrong = new LeaderKey { Name = Bytes("race"), Key = Bytes("race/5"), Rev = 99, Lease = 5 };

        await RefusedAsync("etcdserver: requested lease not found", elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 77 }));
        await RefusedAsync("election: no leader", elections.LeaderAsync(new LeaderRequest { Name = Bytes("race") }));
        await RefusedAsync("\"leader\" field must be provided", elections.ProclaimAsync(new ProclaimRequest()));
        await RefusedAsync("\"leader\" field must be provided", elections.ResignAsync(new ResignRequest()));
        await RefusedAsync("election: not leader", elections.ProclaimAsync(new ProclaimRequest { Leader = wrong }));
        await RefusedAsync("etcdserver: key is not provided", elections.ProclaimAsync(new ProclaimRequest { Leader = new LeaderKey() }));
        await RefusedAsync("etcdserver: key is not provided", elections.ResignAsync(new ResignRequest { Leader = new LeaderKey() }));
        Assert.Equal(1, (await elections.ResignAsync(new ResignRequest { Leader = wrong })).Header.Revision);
    }

    [Fact]
    public async Task Etcdctl_and_the_service_take_part_in_one_election()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var elections = Elections(cluster, 0);
        await GrantAsync(cluster, 1);
        using var candidate = EtcdctlProcess.Start(cluster.Endpoints, "elect", "race", "from etcdctl");
        Assert.StartsWith("race/", await candidate.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("from etcdctl", await candidate.ReadLineAsync());
        using var listener = EtcdctlProcess.Start(cluster.Endpoints, "elect", "--listen", "race");
        Assert.StartsWith("race/", await listener.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("from etcdctl", await listener.ReadLineAsync());

        var next = elections.CampaignAsync(new CampaignRequest { Name = Bytes("race"), Lease = 1, Value = Bytes("from the service") }).ResponseAsync;
        await UntilThereAreAsync(cluster, 2, "race/");
        Assert.False(next.IsCompleted);
        await candidate.InterruptAsync();

        Assert.Equal("race/1", (await next).Leader.Key.ToStringUtf8());
        Assert.Equal("race/1", await listener.ReadLineAsync());
        Assert.Equal("from the service", await listener.ReadLineAsync());
    }

    private static async Task<(string Key, string Value)> NextAsync(IAsyncStreamReader<LeaderResponse> said, CancellationToken limit)
    {
        Assert.True(await said.MoveNext(limit));
        return (said.Current.Kv.Key.ToStringUtf8(), said.Current.Kv.Value.ToStringUtf8());
    }

    private static async Task RefusedAsync<TResponse>(string text, AsyncUnaryCall<TResponse> call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal((StatusCode.Unknown, text), (refusal.StatusCode, refusal.Status.Detail));
    }

    private static async Task GrantAsync(LocalCluster cluster, params long[] leases)
    {
        var client = new Lease.LeaseClient(cluster.Channel(cluster.Members[0]));
        foreach (var lease in leases)
        {
            await client.LeaseGrantAsync(new LeaseGrantRequest { ID = lease, TTL = 600 });
        }
    }

    private static Task UntilThereAreAsync(LocalCluster cluster, long count, string prefix)
    {
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        return LocalCluster.UntilAsync(
            $"there are {count} keys {prefix}",
            cluster.Members[0],
            async () => (await kv.RangeAsync(new RangeRequest { Key = Bytes(prefix), RangeEnd = Bytes(prefix[..^1] + (char)(prefix[^1] + 1)) })).Count == count);
    }

    private static ElectionClient Elections(LocalCluster cluster, int member) => new(cluster.Channel(cluster.Members[member]));

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
