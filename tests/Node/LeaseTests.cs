using Google.Protobuf;
using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

public sealed class LeaseTests
{
    private const int TicksPerSecond = 10;

    [Fact]
    public void A_lease_that_nobody_keeps_alive_ends_with_its_time_on_every_member_and_not_before()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 5);
        cluster.Do(PutUnder(cluster.Follower, "a", 7));
        cluster.Tick((5 * TicksPerSecond) - 1);
        Assert.Equal("1", cluster.Leader.Get("a"));
        cluster.Tick(2);
        Assert.All(cluster.Up, member => Assert.Null(member.Get("a")));
        Assert.Equal(-1, cluster.Do(TimeToLive(cluster.Leader, 7)).TTL);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_lease_that_is_kept_alive_through_any_member_lives_on()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 2);
        cluster.Do(PutUnder(cluster.Leader, "a", 7));
        for (var round = 0; round < 20; round++)
        {
            cluster.Tick(15);
            Assert.Equal(2, cluster.Do(KeepAlive(round % 2 == 0 ? cluster.Leader : cluster.Follower, 7)).TTL);
        }

        Assert.Equal("1", cluster.Leader.Get("a"));
        cluster.Tick(2 * TicksPerSecond);
        Assert.Null(cluster.Leader.Get("a"));
    }

    [Fact]
    public void What_is_asked_of_a_lease_that_does_not_exist_is_answered_and_is_no_error()
    {
        var cluster = new TestCluster().Elected();
        Assert.Equal((9, 0), (cluster.Do(KeepAlive(cluster.Follower, 9)).ID, cluster.Do(KeepAlive(cluster.Follower, 9)).TTL));
        Assert.Equal((9, -1), (cluster.Do(TimeToLive(cluster.Follower, 9)).ID, cluster.Do(TimeToLive(cluster.Follower, 9)).TTL));
    }

    [Fact]
    public void The_time_left_and_the_keys_are_told_by_every_member()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 60);
        cluster.Do(PutUnder(cluster.Leader, "b", 7));
        cluster.Do(PutUnder(cluster.Leader, "a", 7));
        cluster.Tick(95);
        foreach (var member in cluster.Up)
        {
            var told = cluster.Do(TimeToLive(member, 7));
            Assert.Equal((50, 60), (told.TTL, told.GrantedTTL));
            Assert.Equal(["a", "b"], told.Keys.Select(key => key.ToStringUtf8()));
        }
    }

    [Fact]
    public void A_new_leader_gives_every_lease_its_full_time_anew()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 5);
        cluster.Tick(40);
        cluster.Do(cluster[1].Node.MoveLeaderAsync(cluster[2].Id).ContinueWith(static _ => 0, TaskContinuationOptions.ExecuteSynchronously));
        cluster.Tick(48);
        Assert.InRange(cluster.Do(TimeToLive(cluster[2], 7)).TTL, 0, 5);
        cluster.Tick(5);
        Assert.Equal(-1, cluster.Do(TimeToLive(cluster[2], 7)).TTL);
    }

    [Fact]
    public void A_leader_that_is_cut_off_ends_no_lease_and_promises_no_time()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 2);
        cluster.Do(PutUnder(cluster.Leader, "a", 7));
        cluster.Network.CutOff(cluster[1].Id);
        var promise = KeepAlive(cluster[1], 7);
        cluster.TickUntil(() => cluster.Up.Any(member => member != cluster[1] && member.Status.IsLeader));
        for (var round = 0; round < 5; round++)
        {
            cluster.Do(KeepAlive(cluster.Leader, 7));
            cluster.Tick(10);
        }

        Assert.False(promise.IsCompletedSuccessfully);
        cluster.Network.Heal();
        cluster.Do(KeepAlive(cluster.Leader, 7));
        cluster.Tick(5);
        Assert.All(cluster.Up, member => Assert.Equal("1", member.Get("a")));
        cluster.AssertSameState();
    }

    [Fact]
    public void A_crowd_of_leases_that_end_together_is_spread_over_ticks()
    {
        var cluster = new TestCluster(settings: options => options with { LeasesEndedPerTick = 10 }).Elected();
        for (var lease = 1; lease <= 35; lease++)
        {
            Grant(cluster, lease, ttl: 2);
            cluster.Do(PutUnder(cluster.Leader, $"{lease}", lease));
        }

        cluster.Tick((2 * TicksPerSecond) - 1);
        var left = new List<int>();
        for (var tick = 0; tick < 5; tick++)
        {
            cluster.Tick();
            left.Add(Enumerable.Range(1, 35).Count(lease => cluster.Leader.Get($"{lease}") is not null));
        }

        Assert.Equal([25, 15, 5, 0, 0], left);
    }

    [Fact]
    public void Leases_outlive_the_loss_of_power_of_all_members()
    {
        var cluster = new TestCluster().Elected();
        Grant(cluster, 7, ttl: 5);
        cluster.Do(PutUnder(cluster.Leader, "a", 7));
        foreach (var member in cluster.Up.ToList())
        {
            member.Restart();
        }

        cluster.Elected();
        Assert.Equal(5, cluster.Do(TimeToLive(cluster.Follower, 7)).TTL);
        cluster.Tick((5 * TicksPerSecond) + 1);
        Assert.Null(cluster.Leader.Get("a"));
    }

    private static void Grant(TestCluster cluster, long id, long ttl) => Assert.Null(
        cluster.Do(cluster.Leader.Node.ProposeAsync(new Command { LeaseGrant = new LeaseGrantRequest { ID = id, TTL = ttl } })).Error);

    private static Task<KeyValue.CommandResult> PutUnder(TestMember member, string key, long lease) => member.Node.ProposeAsync(
        new Command { Put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("1"), Lease = lease } });

    private static Task<LeaseKeepAliveResponse> KeepAlive(TestMember member, long id) =>
        member.Node.KeepLeaseAliveAsync(new LeaseKeepAliveRequest { ID = id });

    private static Task<LeaseTimeToLiveResponse> TimeToLive(TestMember member, long id) =>
        member.Node.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = id, Keys = true });
}
