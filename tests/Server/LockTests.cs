using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.Etcd.Locks;
using LockClient = Raft.Protocol.Etcd.Locks.Lock.LockClient;

namespace Raft.Server.Tests;

/// <summary>v3lockpb.Lock, as its clients and etcdctl use it. The texts and codes of refusals are those of etcd 3.4 and 3.5.</summary>
public sealed class LockTests
{
    [Fact]
    public async Task A_lock_goes_from_one_to_the_next_in_the_order_in_which_they_came_through_whichever_member()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 257, 258, 259);
        var first = await client.LockAsync("my", 257);
        Assert.Equal("my/101", first.Key.ToStringUtf8());
        Assert.Equal(2, first.Header.Revision);
        Assert.NotEqual(0ul, first.Header.MemberId);

        var second = new Client(cluster, 1).LockAsync("my", 258);
        await client.UntilThereAreAsync(2, "my/");
        var third = new Client(cluster, 2).LockAsync("my", 259);
        await client.UntilThereAreAsync(3, "my/");
        Assert.False(second.IsCompleted || third.IsCompleted);

        await client.Locks.UnlockAsync(new UnlockRequest { Key = first.Key });
        Assert.Equal("my/102", (await second).Key.ToStringUtf8());
        Assert.False(third.IsCompleted);
        var unlocked = await client.Locks.UnlockAsync(new UnlockRequest { Key = (await second).Key });
        Assert.Equal("my/103", (await third).Key.ToStringUtf8());
        Assert.True((await third).Header.Revision >= unlocked.Header.Revision);
    }

    [Fact]
    public async Task A_lock_is_as_long_as_its_lease_and_so_is_a_place_in_the_queue()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 1, 2, 3);
        await client.LockAsync("my", 1);
        var second = client.LockAsync("my", 2);
        await client.UntilThereAreAsync(2, "my/");
        var third = client.LockAsync("my", 3);
        await client.UntilThereAreAsync(3, "my/");

        await client.Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 2 });
        var lost = await Assert.ThrowsAsync<RpcException>(() => second);
        Assert.Equal(new Status(StatusCode.Unknown, "mutex: session is expired"), Bare(lost));
        Assert.False(third.IsCompleted);

        await client.Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        Assert.Equal("my/3", (await third).Key.ToStringUtf8());
    }

    [Fact]
    public async Task Who_gives_up_leaves_nothing_behind_and_who_asks_twice_has_one_lock()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 1, 2, 3);
        var held = await client.LockAsync("my", 1);
        Assert.Equal(held, await client.LockAsync("my", 1));

        using var patience = new CancellationTokenSource();
        var impatient = client.LockAsync("my", 2, patience.Token);
        await client.UntilThereAreAsync(2, "my/");
        var patient = client.LockAsync("my", 3);
        await client.UntilThereAreAsync(3, "my/");
        await patience.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => impatient)).StatusCode);
        await client.UntilThereAreAsync(2, "my/");

        Assert.False(patient.IsCompleted);
        await client.Locks.UnlockAsync(new UnlockRequest { Key = held.Key });
        Assert.Equal("my/3", (await patient).Key.ToStringUtf8());
    }

    [Fact]
    public async Task Refusals_are_those_of_etcd()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new Client(cluster, 0);

        foreach (var lease in (long[])[12345, -1])
        {
            var unknown = await Assert.ThrowsAsync<RpcException>(() => client.LockAsync("my", lease));
            Assert.Equal(new Status(StatusCode.Unknown, "etcdserver: requested lease not found"), Bare(unknown));
        }

        var keyless = await Assert.ThrowsAsync<RpcException>(() => client.Locks.UnlockAsync(new UnlockRequest()).ResponseAsync);
        Assert.Equal(new Status(StatusCode.Unknown, "etcdserver: key is not provided"), Bare(keyless));
        Assert.Equal(1, (await client.Locks.UnlockAsync(new UnlockRequest { Key = Bytes("nothing") })).Header.Revision);
    }

    [Fact]
    public async Task Without_a_lease_one_of_a_minute_is_granted_and_without_a_name_the_lock_has_none()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new Client(cluster, 0);

        var key = (await client.LockAsync("", 0)).Key;

        var pair = (await client.Kv.RangeAsync(new RangeRequest { Key = key })).Kvs.Single();
        Assert.Equal($"/{pair.Lease:x}", key.ToStringUtf8());
        Assert.Equal(60, (await client.Leases.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = pair.Lease })).GrantedTTL);
    }

    [Fact]
    public async Task A_lock_that_is_asked_for_again_under_the_same_lease_is_the_same()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 1);

        var held = await client.LockAsync("my", 1);
        var again = await client.LockAsync("my", 1);
        Assert.Equal("my/1", again.Key.ToStringUtf8());
        Assert.Equal(held.Header.Revision, (await client.Kv.RangeAsync(new RangeRequest { Key = held.Key })).Kvs.Single().ModRevision);
    }

    [Fact]
    public async Task When_the_member_stops_its_waiters_keep_their_places_and_may_wait_elsewhere()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 1, 2);
        var held = await client.LockAsync("my", 1);
        var waiting = new Client(cluster, 1).LockAsync("my", 2);
        await client.UntilThereAreAsync(2, "my/");

        Assert.Equal(0, await cluster.Members[1].Process!.TerminateAsync());
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => waiting)).StatusCode);
        var again = new Client(cluster, 2).LockAsync("my", 2);
        await client.Locks.UnlockAsync(new UnlockRequest { Key = held.Key });

        Assert.Equal("my/2", (await again).Key.ToStringUtf8());
        Assert.Equal(3, (await client.Kv.RangeAsync(new RangeRequest { Key = Bytes("my/2") })).Kvs.Single().CreateRevision);
    }

    [Fact]
    public async Task Etcdctl_lets_one_at_a_time_into_a_lock_that_the_service_holds_first()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var client = new Client(cluster, 0);
        await GrantAsync(client, 1);
        var held = await client.LockAsync("my", 1);
        var room = Path.Combine(cluster.Folder, "room");

        // mkdir fails if somebody is inside.
        var command = $"mkdir {room} || exit 9; etcdctl --endpoints={cluster.Members[0].ClientUrl["http://".Length..]} get nothing; rmdir {room}; echo was inside";
        var visitors = Enumerable.Range(0, 4)
            .Select(i => Etcdctl.TryAsync(cluster.Members[i % 3].ClientUrl, "lock", "my", "--", "sh", "-c", command))
            .ToList();
        await client.UntilThereAreAsync(5, "my/");
        Assert.False(Directory.Exists(room));
        Assert.DoesNotContain(visitors, visitor => visitor.IsCompleted);
        await client.Locks.UnlockAsync(new UnlockRequest { Key = held.Key });

        foreach (var visitor in await Task.WhenAll(visitors))
        {
            Assert.Equal((0, "was inside\n"), visitor);
        }
    }

    private static async Task GrantAsync(Client client, params long[] leases)
    {
        foreach (var lease in leases)
        {
            await client.Leases.LeaseGrantAsync(new LeaseGrantRequest { ID = lease, TTL = 600 });
        }
    }

    private static Status Bare(RpcException refusal) => new(refusal.StatusCode, refusal.Status.Detail);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private sealed class Client(LocalCluster cluster, int member)
    {
        public LockClient Locks { get; } = new(cluster.Channel(cluster.Members[member]));

        public Lease.LeaseClient Leases { get; } = new(cluster.Channel(cluster.Members[member]));

        public KV.KVClient Kv { get; } = new(cluster.Channel(cluster.Members[member]));

        public Task<LockResponse> LockAsync(string name, long lease, CancellationToken cancellation = default) =>
            Locks.LockAsync(new LockRequest { Name = Bytes(name), Lease = lease }, cancellationToken: cancellation).ResponseAsync;

        public Task UntilThereAreAsync(long count, string prefix) => LocalCluster.UntilAsync(
            $"there are {count} keys {prefix}",
            cluster.Members[member],
            async () => (await Kv.RangeAsync(new RangeRequest { Key = Bytes(prefix), RangeEnd = Bytes(prefix[..^1] + (char)(prefix[^1] + 1)) })).Count == count);
    }
}
