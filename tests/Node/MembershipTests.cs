using Raft.Consensus;
using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

public sealed class MembershipTests
{
    private static MemberAddRequest AddRequest(string url, bool isLearner = true) => new() { PeerURLs = { url }, IsLearner = isLearner };

    private static Command Started(ulong id) =>
        new() { MemberAttributes = new MemberAttributes { MemberId = id, Name = $"m{id}", ClientUrls = { $"http://m{id}:2379" } } };

    /// <summary>A member added as a learner, started with empty disks and caught up.</summary>
    private static TestMember Grow(TestCluster cluster, string url)
    {
        var added = cluster.Do(cluster.Follower.Node.AddMemberAsync(AddRequest(url)));
        var member = cluster.AddDisks(new MemberId(added.Member.ID));
        member.Start();
        cluster.TickUntil(() => member.Status.IsLearner);
        cluster.Do(member.Node.ProposeAsync(Started(added.Member.ID)));
        return member;
    }

    [Fact]
    public void First_members_know_each_other_before_the_first_entry()
    {
        var cluster = new TestCluster();
        Assert.All(cluster.Up, member =>
        {
            Assert.Equal([1ul, 2, 3], member.Node.Members.Select(known => known.ID));
            Assert.Equal(3, member.Peers.Count);
            Assert.Equal(InitialState.Origin, member.Status.Consensus.Last);
        });
    }

    [Fact]
    public void A_learner_joins_by_a_snapshot_catches_up_is_promoted_and_votes()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Put("a", "1"));
        var member = Grow(cluster, "http://m4:2380");
        Assert.Equal("1", member.Get("a"));
        Assert.Equal(4, member.Peers.Count);
        cluster.Do(cluster.Leader.Node.PromoteMemberAsync(new MemberPromoteRequest { ID = member.Id.Value }));
        cluster.Settle();
        Assert.All(cluster.Up, each => Assert.Equal(4, each.Status.Consensus.Configuration.Voters.Count));
        Assert.All(cluster.Up, each => Assert.DoesNotContain(each.Node.Members, known => known.IsLearner));
        cluster[2].Crash();
        cluster.Do(cluster.Leader.Put("a", "2"));
        Assert.Equal("2", member.Get("a"));
    }

    [Fact]
    public void An_added_member_has_no_name_until_it_tells_one()
    {
        var cluster = new TestCluster().Elected();
        var added = cluster.Do(cluster.Leader.Node.AddMemberAsync(AddRequest("http://m4:2380")));
        Assert.Equal("", added.Member.Name);
        Assert.True(added.Member.IsLearner);
        Assert.Equal(4, added.Members.Count);
        cluster.Do(cluster.Leader.Node.ProposeAsync(Started(added.Member.ID)));
        var known = cluster.Leader.Node.Members.Single(member => member.ID == added.Member.ID);
        Assert.Equal([$"http://m{added.Member.ID}:2379"], known.ClientURLs);
    }

    [Fact]
    public void A_learner_serves_no_client()
    {
        var cluster = new TestCluster().Elected();
        var learner = Grow(cluster, "http://m4:2380");
        Assert.Equal(NodeError.NotForLearner, cluster.Refused(learner.Put("a", "1")).Error);
        Assert.Equal(NodeError.NotForLearner, cluster.Refused(learner.Node.ReadBarrierAsync()).Error);
    }

    [Fact]
    public void Rules_refuse_with_etcds_words()
    {
        var cluster = new TestCluster().Elected();
        var leader = cluster.Leader.Node;
        Assert.Equal(NodeError.PeerUrlExists, cluster.Refused(leader.AddMemberAsync(AddRequest("http://m2:2380"))).Error);
        Assert.Equal(NodeError.MemberNotFound, cluster.Refused(leader.RemoveMemberAsync(new() { ID = 99 })).Error);
        Assert.Equal(NodeError.MemberNotFound, cluster.Refused(leader.PromoteMemberAsync(new() { ID = 99 })).Error);
        Assert.Equal(NodeError.NotLearner, cluster.Refused(leader.PromoteMemberAsync(new() { ID = 2 })).Error);
        Assert.Equal(
            NodeError.MemberNotFound, cluster.Refused(leader.UpdateMemberAsync(new() { ID = 99, PeerURLs = { "http://x:1" } })).Error);
        Assert.Equal(
            NodeError.PeerUrlExists, cluster.Refused(leader.UpdateMemberAsync(new() { ID = 2, PeerURLs = { "http://m3:2380" } })).Error);
        var learner = cluster.Do(leader.AddMemberAsync(AddRequest("http://m4:2380"))).Member;
        Assert.Equal(NodeError.TooManyLearners, cluster.Refused(leader.AddMemberAsync(AddRequest("http://m5:2380"))).Error);
        Assert.Equal(NodeError.LearnerNotReady, cluster.Refused(leader.PromoteMemberAsync(new() { ID = learner.ID })).Error);
        Assert.Equal(NodeError.BadTransferee, cluster.Refused(leader.MoveLeaderAsync(new MemberId(learner.ID))).Error);
    }

    [Fact]
    public void Rules_hold_on_a_follower_too()
    {
        var cluster = new TestCluster().Elected();
        var refused = cluster.Follower.Node.RemoveMemberAsync(new() { ID = 99 });
        Assert.Equal(NodeError.MemberNotFound, cluster.Refused(refused).Error);
    }

    [Fact]
    public void A_cluster_of_one_may_become_two_but_not_lose_its_last_member()
    {
        var cluster = new TestCluster(members: 1).Elected();
        Assert.Equal(
            NodeError.NotEnoughStarted, cluster.Refused(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 1 })).Error);
        var added = cluster.Do(cluster.Leader.Node.AddMemberAsync(AddRequest("http://m2:2380", isLearner: false)));
        Assert.False(added.Member.IsLearner);
    }

    [Fact]
    public void Nobody_is_removed_or_added_as_a_voter_while_too_few_answer()
    {
        var cluster = new TestCluster().Elected();
        cluster[3].Crash();
        cluster.Tick(25);
        Assert.Equal(NodeError.Unhealthy, cluster.Refused(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 2 })).Error);
        Assert.Equal(
            NodeError.Unhealthy, cluster.Refused(cluster.Leader.Node.AddMemberAsync(AddRequest("http://m4:2380", isLearner: false))).Error);
        cluster.Do(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 3 }));
        Assert.Equal(2, cluster.Leader.Status.Consensus.Configuration.Voters.Count);
    }

    [Fact]
    public void A_removed_member_is_remembered_and_its_id_never_given_again()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 3 }));
        Assert.All(cluster.Up.Where(member => member.Id.Value != 3), member => Assert.True(member.Node.IsRemoved(new MemberId(3))));
        Assert.True(cluster[3].Status.IsRemoved);
        Assert.DoesNotContain(new MemberId(3), cluster.Leader.Peers.Keys);
        cluster[3].Crash();
        cluster.Do(cluster.Leader.Put("a", "1"));
    }

    [Fact]
    public void A_removed_member_refuses_at_once()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 3 }));
        Assert.Equal(NodeError.Stopped, cluster.Refused(cluster[3].Put("a", "1")).Error);
        Assert.Equal(NodeError.Stopped, cluster.Refused(cluster[3].Node.ReadIndexAsync()).Error);
    }

    [Fact]
    public void A_leader_that_is_removed_answers_steps_down_and_the_others_go_on()
    {
        var cluster = new TestCluster().Elected();
        cluster.Do(cluster[1].Node.RemoveMemberAsync(new() { ID = 1 }));
        Assert.True(cluster[1].Status.IsRemoved);
        Assert.False(cluster[1].Status.IsLeader);
        cluster.TickUntil(() => cluster.Up.Any(member => member.Status.IsLeader));
        Assert.NotSame(cluster[1], cluster.Leader);
        cluster.Do(cluster.Leader.Put("a", "1"));
    }

    [Fact]
    public void Two_changes_at_once_follow_one_another()
    {
        var cluster = new TestCluster().Elected();
        var first = cluster.Leader.Node.AddMemberAsync(AddRequest("http://m4:2380"));
        var second = cluster.Leader.Node.UpdateMemberAsync(new() { ID = 2, PeerURLs = { "http://other:2380" } });
        var third = cluster.Leader.Node.RemoveMemberAsync(new() { ID = 3 });
        cluster.Do(first);
        cluster.Do(second);
        cluster.Do(third);
        Assert.Equal(["http://other:2380"], cluster.Leader.Peers[new MemberId(2)]);
    }

    [Fact]
    public void Members_survive_a_restart()
    {
        var cluster = new TestCluster().Elected();
        Grow(cluster, "http://m4:2380");
        cluster.Do(cluster.Leader.Node.RemoveMemberAsync(new() { ID = 3 }));
        cluster[2].Restart();
        cluster.Tick(3);
        Assert.Equal(cluster.Leader.Node.Members, cluster[2].Node.Members);
        Assert.True(cluster[2].Node.IsRemoved(new MemberId(3)));
    }
}
