using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;

namespace Raft.Node.Tests;

public sealed class WritePathTests
{
    [Fact]
    public void A_single_member_answers_with_the_state_machines_result()
    {
        var cluster = new TestCluster(members: 1).Elected();
        var answer = cluster.Do(cluster.Leader.Put("a", "1"));
        Assert.Equal(2, Assert.IsType<PutResponse>(answer.Response).Header.Revision);
        Assert.Equal("1", cluster.Leader.Get("a"));
    }

    [Fact]
    public void Every_member_applies_the_same()
    {
        var cluster = new TestCluster().Elected();
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i % 7}", $"{i}"));
        }

        cluster.AssertSameState();
        Assert.All(cluster.Up, member => Assert.Equal("49", member.Get("k0")));
    }

    [Fact]
    public void All_that_waits_becomes_one_log_write_one_batch_and_one_wake_up()
    {
        var cluster = new TestCluster().Elected();
        var leader = cluster.Leader;
        var (writes, batches, wakeUps) = (leader.Log.Writes, leader.State.Batches, leader.WakeUps);
        var answers = Enumerable.Range(0, 500).Select(i => leader.Put($"k{i}", "v")).ToList();
        Assert.Equal(wakeUps + 1, leader.WakeUps);
        cluster.Settle();
        Assert.All(answers, answer => Assert.True(answer.IsCompletedSuccessfully));
        Assert.Equal(writes + 1, leader.Log.Writes);
        Assert.Equal(batches + 1, leader.State.Batches);
    }

    [Fact]
    public void Nothing_is_acknowledged_before_a_quorum_of_disks_holds_it()
    {
        var cluster = new TestCluster().Elected();
        foreach (var member in cluster.Up)
        {
            member.Log.IsHeld = true;
        }

        var answer = cluster.Leader.Put("a", "1");
        cluster.Settle();
        Assert.False(answer.IsCompleted);
        cluster.Leader.Log.IsHeld = false;
        cluster.Settle();
        Assert.False(answer.IsCompleted);
        cluster.Follower.Log.IsHeld = false;
        cluster.Do(answer);
    }

    [Fact]
    public void A_follower_that_is_down_holds_nobody_up()
    {
        var cluster = new TestCluster().Elected();
        cluster[3].Crash();
        cluster.Do(cluster.Leader.Put("a", "1"));
    }

    [Fact]
    public void A_refused_command_changes_nothing_and_says_why()
    {
        var cluster = new TestCluster().Elected();
        var answer = cluster.Do(cluster.Leader.Put("", "1"));
        Assert.Equal("etcdserver: key is not provided", answer.Error?.Message);
        Assert.Equal(1, cluster.Leader.Node.Store.Revision);
    }

    [Fact]
    public void A_broken_log_stops_the_member_and_refuses_all_that_waits()
    {
        var cluster = new TestCluster().Elected();
        var leader = cluster.Leader;
        leader.Log.Fault = new IOException("the disk is gone");
        var answer = leader.Put("a", "1");
        var refused = cluster.Refused(answer);
        Assert.Equal(NodeError.Stopped, refused.Error);
        Assert.False(refused.SurelyNotDone);
        Assert.IsType<IOException>(leader.Failure);
        Assert.Equal(NodeError.Stopped, cluster.Refused(leader.Put("b", "1")).Error);
        Assert.False(leader.Node.RunTurn());
    }

    [Fact]
    public void What_waits_is_bounded_and_refused_at_once_beyond()
    {
        var cluster = new TestCluster(settings: options => options with { WaitingRequestsMax = 10 }).Elected();
        foreach (var member in cluster.Up)
        {
            member.Log.IsHeld = true;
        }

        var leader = cluster.Leader;
        var taken = Enumerable.Range(0, 10).Select(i => leader.Put($"k{i}", "v")).ToList();
        var beyond = leader.Put("beyond", "v");
        Assert.Equal(NodeError.TooManyRequests, Assert.IsType<RequestRefusedException>(beyond.Exception?.InnerException).Error);
        foreach (var member in cluster.Up)
        {
            member.Log.IsHeld = false;
        }

        cluster.Settle();
        Assert.All(taken, answer => Assert.True(answer.IsCompletedSuccessfully));
        cluster.Do(leader.Put("beyond", "v"));
        Assert.Equal(11, leader.Node.Store.Revision - 1);
    }

    [Fact]
    public void Bytes_that_wait_are_bounded_but_one_large_request_always_fits()
    {
        var cluster = new TestCluster(settings: options => options with { WaitingBytesMax = 1000 }).Elected();
        cluster.Do(cluster.Leader.Put("large", new string('v', 2000)));
        var first = cluster.Leader.Put("a", new string('v', 900));
        var second = cluster.Leader.Put("b", new string('v', 900));
        Assert.True(second.IsFaulted);
        cluster.Do(first);
    }

    [Fact]
    public void Commands_carry_the_proposers_time()
    {
        var cluster = new TestCluster().Elected();
        var command = new Protocol.V1.Command { Put = new PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("a") } };
        cluster.Do(cluster.Leader.Node.ProposeAsync(command));
        Assert.Equal(1_700_000_000_000, command.TimeUnixMs);
    }
}
