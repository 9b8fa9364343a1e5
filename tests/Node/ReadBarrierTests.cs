using Raft.Consensus;
using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

public sealed class ReadBarrierTests
{
    [Fact]
    public void All_reads_of_a_turn_share_one_round()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Put("a", "1"));
        var before = cluster.Network.Sent.GetValueOrDefault(MessageKind.HeartbeatRequest);
        var reads = Enumerable.Range(0, 200).Select(_ => cluster.Leader.Node.ReadBarrierAsync()).ToList();
        cluster.Settle();
        Assert.All(reads, read => Assert.True(read.IsCompletedSuccessfully));
        Assert.Equal(before + 2, cluster.Network.Sent[MessageKind.HeartbeatRequest]);
    }

    [Fact]
    public void All_reads_of_a_followers_turn_are_one_question_and_need_no_tick()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Put("a", "1"));
        var reads = Enumerable.Range(0, 200).Select(_ => cluster.Follower.Node.ReadBarrierAsync()).ToList();
        cluster.Settle();
        Assert.All(reads, read => Assert.True(read.IsCompletedSuccessfully));
        Assert.Equal(1, cluster.Network.ReadIndexQuestions);
    }

    [Fact]
    public void A_follower_waits_until_it_has_applied_what_was_acknowledged()
    {
        var cluster = new TestCluster().Elected();
        var follower = cluster[2];
        follower.Log.IsHeld = true;
        cluster.Do(cluster.Leader.Put("a", "1"));
        var read = follower.Node.ReadBarrierAsync();
        cluster.Settle();
        Assert.False(read.IsCompleted);
        Assert.Null(follower.Get("a"));
        follower.Log.IsHeld = false;
        cluster.Do(read);
        Assert.Equal("1", follower.Get("a"));
    }

    [Fact]
    public void A_leader_that_is_cut_off_serves_no_read_though_it_believes_to_lead()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.CutOff(cluster[1].Id);
        var stale = cluster[1].Node.ReadBarrierAsync();
        cluster.Settle();
        Assert.True(cluster[1].Status.IsLeader);
        Assert.False(stale.IsCompleted);

        cluster.TickUntil(() => cluster.Up.Any(member => member != cluster[1] && member.Status.IsLeader));
        cluster.Do(cluster.Leader.Put("a", "2"));
        cluster.Network.Heal();
        cluster.TickUntil(() => stale.IsCompleted);
        Assert.True(stale.IsCompletedSuccessfully);
        Assert.Equal("2", cluster[1].Get("a"));
    }

    [Fact]
    public void A_read_that_nobody_can_confirm_is_given_up_in_time()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.CutOff(cluster[1].Id);
        var read = cluster[1].Node.ReadBarrierAsync();
        cluster.Tick(71);
        Assert.Equal(NodeError.Timeout, cluster.Refused(read).Error);
    }

    [Fact]
    public void A_new_leader_confirms_reads_only_after_an_entry_of_its_own_term()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Put("a", "1"));
        cluster.Network.CutOff(cluster[1].Id);
        cluster.TickUntil(() => cluster.Up.Any(member => member != cluster[1] && member.Status.IsLeader));
        cluster.Do(cluster.Leader.Node.ReadBarrierAsync());
        Assert.Equal("1", cluster.Leader.Get("a"));
    }
}
