using Google.Protobuf;
using Raft.Node.Tests.World;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

public sealed class ForwardingTests
{
    [Fact]
    public void A_follower_passes_a_write_on_and_can_be_read_from_at_once()
    {
        var cluster = new TestCluster().Elected();
        var follower = cluster.Follower;
        string? readByCaller = null;
        var answer = follower.Put("a", "1").ContinueWith(
            _ => readByCaller = follower.Get("a"), TaskContinuationOptions.ExecuteSynchronously);
        cluster.Do(answer);
        Assert.Equal("1", readByCaller);
    }

    [Fact]
    public void The_state_machines_refusal_reaches_the_followers_caller()
    {
        var cluster = new TestCluster().Elected();
        var answer = cluster.Follower.Put("", "1");
        cluster.Settle();
        var refusal = Assert.IsType<CommandRefusedException>(answer.Exception?.InnerException);
        Assert.Equal("etcdserver: key is not provided", refusal.Error.Message);
    }

    /// <summary>In the log it would stop every member; a newer member may well send what the leader does not know.</summary>
    [Fact]
    public void What_the_leader_does_not_know_does_not_get_into_the_log()
    {
        var cluster = new TestCluster().Elected();
        var last = cluster.Leader.Status.Consensus.Last;

        foreach (var request in new[] { new ForwardRequest(), new ForwardRequest { Command = new Command().ToByteString() } })
        {
            var refusal = cluster.Refused(cluster.Leader.Node.ForwardedAsync(request));
            Assert.Equal(NodeError.UnknownRequest, refusal.Error);
        }

        Assert.Equal(last, cluster.Leader.Status.Consensus.Last);
    }

    [Fact]
    public void Without_a_leader_a_write_waits_for_one()
    {
        var cluster = new TestCluster();
        var answer = cluster[2].Put("a", "1");
        cluster.Settle();
        Assert.False(answer.IsCompleted);
        cluster.Elected(leader: 3);
        cluster.Do(answer);
        cluster.AssertSameState();
    }

    [Fact]
    public void Without_a_leader_a_write_is_given_up_in_time_and_surely_not_done()
    {
        var cluster = new TestCluster();
        cluster[2].Crash();
        cluster[3].Crash();
        var answer = cluster[1].Put("a", "1");
        cluster.Tick(71);
        var refused = cluster.Refused(answer);
        Assert.Equal(NodeError.NoLeader, refused.Error);
        Assert.True(refused.SurelyNotDone);
    }

    [Fact]
    public void A_write_whose_answer_was_lost_is_not_sent_again()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.LosesForwardedAnswers = true;
        var refused = cluster.Refused(cluster.Follower.Put("a", "1"));
        Assert.Equal(NodeError.ConnectionLost, refused.Error);
        Assert.False(refused.SurelyNotDone);
        cluster.Tick(5);
        Assert.Equal(1, cluster.Network.Forwarded);
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
    }

    [Fact]
    public void A_write_that_surely_did_not_arrive_is_sent_to_the_next_leader_once()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.CutOff(cluster[1].Id);
        var answer = cluster[2].Put("a", "1");
        cluster.TickUntil(() => answer.IsCompleted);
        Assert.True(answer.IsCompletedSuccessfully);
        Assert.NotSame(cluster[1], cluster.Leader);
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
    }

    [Fact]
    public void A_silent_leader_cannot_keep_a_followers_caller_waiting_for_ever()
    {
        var cluster = new TestCluster().Elected();
        foreach (var member in cluster.Up)
        {
            member.Log.IsHeld = true;
        }

        var answer = cluster.Follower.Put("a", "1");
        cluster.Tick(75);
        var refused = cluster.Refused(answer);
        Assert.Equal(NodeError.Timeout, refused.Error);
        Assert.False(refused.SurelyNotDone);
    }
}
