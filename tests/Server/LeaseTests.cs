using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>Leases as clients have them.</summary>
public sealed class LeaseTests
{
    private const int Renewals = 1000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_that_is_kept_alive_outlives_the_leader_and_ends_when_nobody_keeps_it_alive()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        var (kv, leases) = (new KV.KVClient(cluster.Channel(follower)), new Lease.LeaseClient(cluster.Channel(follower)));
        var lease = (await leases.LeaseGrantAsync(new() { TTL = 3 }, cancellationToken: Stop)).ID;
        var key = ByteString.CopyFromUtf8("a");
        await kv.PutAsync(new() { Key = key, Lease = lease }, cancellationToken: Stop);
        await leader.Process!.KillAsync();

        await LocalCluster.UntilAsync("a new leader keeps the lease alive", follower, async () =>
        {
            using var stream = leases.LeaseKeepAlive(deadline: DateTime.UtcNow.AddSeconds(5), cancellationToken: Stop);
            await stream.RequestStream.WriteAsync(new() { ID = lease }, Stop);
            return await stream.ResponseStream.MoveNext(Stop) && stream.ResponseStream.Current.TTL == 3;
        });
        Assert.Equal(key, Assert.Single((await leases.LeaseTimeToLiveAsync(new() { ID = lease, Keys = true }, cancellationToken: Stop)).Keys));
        await LocalCluster.UntilAsync("the lease and its key are gone", follower, async () =>
            (await kv.RangeAsync(new() { Key = key }, cancellationToken: Stop)).Count == 0);
        Assert.Equal(-1, (await leases.LeaseTimeToLiveAsync(new() { ID = lease }, cancellationToken: Stop)).TTL);
        Assert.Empty((await leases.LeaseLeasesAsync(new(), cancellationToken: Stop)).Leases);
    }

    [Fact]
    public async Task Renewals_on_one_stream_are_answered_in_their_order()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leases = new Lease.LeaseClient(cluster.Channel(cluster.Members[1]));
        var lease = (await leases.LeaseGrantAsync(new() { TTL = 60 }, cancellationToken: Stop)).ID;
        using var stream = leases.LeaseKeepAlive(cancellationToken: Stop);
        var asking = Task.Run(async () =>
        {
            for (var number = 1; number <= Renewals; number++)
            {
                await stream.RequestStream.WriteAsync(new() { ID = number % 10 == 0 ? lease : number }, Stop);
            }

            await stream.RequestStream.CompleteAsync();
        }, Stop);
        for (var number = 1; number <= Renewals; number++)
        {
            Assert.True(await stream.ResponseStream.MoveNext(Stop));
            var answer = stream.ResponseStream.Current;
            Assert.Equal(number % 10 == 0 ? (lease, 60) : (number, 0), (answer.ID, answer.TTL));
        }

        Assert.False(await stream.ResponseStream.MoveNext(Stop));
        await asking;
    }

    /// <summary>Each would need a round of its own if it waited for the one before it: while nobody answers, all have asked.</summary>
    [Fact]
    public async Task Renewals_on_one_stream_do_not_wait_for_one_another()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var leases = new Lease.LeaseClient(cluster.Channel(leader));
        foreach (var other in cluster.Members.Where(member => member != leader)) await other.Process!.PauseAsync();
        var before = await ReadsAsync();
        using var stream = leases.LeaseKeepAlive(cancellationToken: Stop);
        for (var number = 1; number <= 100; number++)
        {
            await stream.RequestStream.WriteAsync(new() { ID = number }, Stop);
        }

        await LocalCluster.UntilAsync("all have asked the quorum", leader, async () => await ReadsAsync() >= before + 100);

        async Task<double> ReadsAsync()
        {
            using var http = new HttpClient();
            var line = (await http.GetStringAsync(new Uri(leader.MetricsUrl + "/metrics"), Stop)).Split('\n')
                .First(static line => line.StartsWith("raft_server_linearizable_reads_total", StringComparison.Ordinal));
            return double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task Etcdctl_grants_lists_keeps_alive_and_revokes()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var id = (await Etcdctl.RunAsync(cluster.Endpoints, "lease", "grant", "100")).Split(' ')[1];
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "--lease", id, "a", "1");
        Assert.Contains(id, await Etcdctl.RunAsync(cluster.Endpoints, "lease", "list"), StringComparison.Ordinal);
        Assert.Contains("keepalived with TTL(100)", await Etcdctl.RunAsync(cluster.Endpoints, "lease", "keep-alive", "--once", id), StringComparison.Ordinal);
        Assert.Contains("attached keys([a])", await Etcdctl.RunAsync(cluster.Endpoints, "lease", "timetolive", "--keys", id), StringComparison.Ordinal);
        await Etcdctl.RunAsync(cluster.Endpoints, "lease", "revoke", id);
        Assert.Equal("", await Etcdctl.RunAsync(cluster.Endpoints, "get", "a"));
    }
}
