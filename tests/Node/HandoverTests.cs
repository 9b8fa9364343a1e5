using Raft.Consensus;
using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

public sealed class HandoverTests
{
    [Fact]
    public void A_leaving_leader_hands_over_to_the_voter_whose_log_is_closest()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.Loses = message => message.To == cluster[2].Id && message.Kind == MessageKind.AppendRequest;
        cluster.Do(cluster[1].Put("a", "1"));
        var left = cluster[1].Node.LeaveAsync();
        cluster.Settle();
        Assert.True(left.IsCompletedSuccessfully);
        Assert.Same(cluster[3], cluster.Leader);
    }

    [Fact]
    public void Writes_during_the_handover_reach_the_next_leader_and_later_ones_are_refused()
    {
        var cluster = new TestCluster().Elected();
        var left = cluster[1].Node.LeaveAsync();
        var during = cluster[1].Put("a", "1");
        cluster.Settle();
        Assert.True(left.IsCompletedSuccessfully);
        cluster.Do(during);
        Assert.Equal(NodeError.Stopped, cluster.Refused(cluster[1].Put("b", "1")).Error);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_leader_without_anybody_to_take_over_leaves_within_a_bound()
    {
        var cluster = new TestCluster().Elected();
        cluster[2].Crash();
        cluster[3].Crash();
        var left = cluster[1].Node.LeaveAsync();
        cluster.Tick(45);
        Assert.True(left.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_successor_that_does_not_take_over_is_followed_by_the_next()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.Loses = message => message.Kind == MessageKind.TimeoutNow && message.To == cluster[2].Id;
        var left = cluster[1].Node.LeaveAsync();
        cluster.TickUntil(() => left.IsCompleted, ticksMax: 45);
        Assert.Same(cluster[3], cluster.Leader);
    }

    [Fact]
    public void A_follower_leaves_at_once()
    {
        var cluster = new TestCluster().Elected();
        var left = cluster[2].Node.LeaveAsync();
        cluster.Settle();
        Assert.True(left.IsCompletedSuccessfully);
        Assert.Same(cluster[1], cluster.Leader);
    }

    [Fact]
    public void Leadership_moves_to_whom_it_is_given_and_only_the_leader_gives_it()
    {
        var cluster = new TestCluster().Elected();
        Assert.Equal(NodeError.NotLeader, cluster.Refused(cluster[2].Node.MoveLeaderAsync(new MemberId(3))).Error);
        Assert.Equal(NodeError.BadTransferee, cluster.Refused(cluster[1].Node.MoveLeaderAsync(new MemberId(99))).Error);
        var moved = cluster[1].Node.MoveLeaderAsync(new MemberId(3));
        cluster.Settle();
        Assert.True(moved.IsCompletedSuccessfully);
        Assert.Same(cluster[3], cluster.Leader);
    }

    [Fact]
    public void A_transfer_to_a_member_that_is_down_ends_in_time_and_the_leader_goes_on()
    {
        var cluster = new TestCluster().Elected();
        cluster[3].Crash();
        var moved = cluster[1].Node.MoveLeaderAsync(new MemberId(3));
        cluster.Tick(21);
        Assert.Equal(NodeError.Timeout, cluster.Refused(moved).Error);
        cluster.Do(cluster[1].Put("a", "1"));
    }
}
