namespace Raft.Consensus.Tests;

/// <summary>What a cluster promises when nothing goes wrong, and when the simplest things do.</summary>
public sealed class ClusterTests
{
    private static byte[] Command(byte value) => [value];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_command_that_a_leader_takes_is_applied_by_every_member(int size)
    {
        var cluster = new MemoryCluster([.. Enumerable.Range(1, size).Select(id => (ulong)id)]);
        var leader = cluster.Elect(1);

        Assert.Equal(ProposalOutcome.Accepted, leader.Module.Propose(Command(7)).Outcome);
        cluster.Settle();

        Assert.All(cluster.Members.Values, member => Assert.Equal([7], member.Commands));
    }

    [Fact]
    public void Without_a_campaign_by_hand_one_member_is_elected_after_a_while()
    {
        var cluster = new MemoryCluster(1, 2, 3);

        cluster.Tick(50);

        Assert.Single(cluster.Members.Values, member => member.Module.Role == Role.Leader);
    }

    [Fact]
    public void A_leader_without_a_quorum_steps_down_and_drops_its_reads()
    {
        var cluster = new MemoryCluster(1, 2, 3);
        var leader = cluster.Elect(1);
        cluster.IsLost = message => message.From.Value == 1 || message.To.Value == 1;

        Assert.True(leader.Module.RequestRead(5));
        cluster.Tick(25);

        Assert.NotEqual(Role.Leader, leader.Module.Role);
        Assert.Empty(leader.Reads);
        Assert.Equal([5ul], leader.DroppedReads);
    }

    [Fact]
    public void A_read_is_released_at_the_commit_index_after_a_quorum_answered()
    {
        var cluster = new MemoryCluster(1, 2, 3);
        var leader = cluster.Elect(1);
        leader.Module.Propose(Command(1));
        cluster.Settle();

        Assert.True(leader.Module.RequestRead(9));
        cluster.Settle();

        Assert.Equal([new ReleasedRead(9, leader.Module.Status.Commit)], leader.Reads);
    }

    [Fact]
    public void Leadership_moves_to_the_chosen_voter_in_one_term()
    {
        var cluster = new MemoryCluster(1, 2, 3);
        var leader = cluster.Elect(1);
        var term = leader.Module.Term;

        Assert.Equal(TransferResult.Started, leader.Module.TransferLeadership(new MemberId(3)));
        cluster.Settle();

        Assert.Equal(Role.Leader, cluster.Members[3].Module.Role);
        Assert.Equal(term.Next, cluster.Members[3].Module.Term);
        Assert.Equal(new MemberId(3), cluster.Members[1].Module.Leader);
    }

    [Fact]
    public void A_learner_catches_up_by_snapshot_then_votes_and_the_old_leader_can_be_removed()
    {
        var cluster = new MemoryCluster(1);
        var leader = cluster.Elect(1);
        for (byte i = 1; i <= 20; i++)
        {
            leader.Module.Propose(Command(i));
        }

        cluster.Settle();
        leader.Module.Compact(leader.Module.Status.Applied);
        var learner = cluster.Start(2, new RecoveredState(default, EntryId.Zero, [], LogIndex.Zero, Configuration.Empty));
        Change(cluster, leader, ConfigurationChangeKind.AddLearner, 2);
        cluster.Tick(3);
        Assert.Equal(leader.Module.Status.Applied, learner.Module.Status.Applied);
        Assert.Contains(new MemberId(2), learner.Module.Status.Configuration.Learners);

        Change(cluster, leader, ConfigurationChangeKind.PromoteLearner, 2);
        cluster.Tick(3);
        Assert.Equal(2, learner.Module.Status.Configuration.Voters.Count);

        Change(cluster, leader, ConfigurationChangeKind.RemoveMember, 1);
        cluster.Tick(50);

        Assert.NotEqual(Role.Leader, leader.Module.Role);
        Assert.Equal(Role.Leader, learner.Module.Role);
    }

    [Fact]
    public void A_second_change_is_refused_until_the_first_is_applied()
    {
        var cluster = new MemoryCluster(1, 2, 3);
        var leader = cluster.Elect(1);
        var change = new ConfigurationChange(ConfigurationChangeKind.AddLearner, new MemberId(4), default);

        Assert.Equal(ProposalOutcome.Accepted, leader.Module.ProposeChange(change).Outcome);

        Assert.Equal(ProposalOutcome.ChangeInProgress, leader.Module.ProposeChange(change with { Member = new MemberId(5) }).Outcome);
    }

    [Fact]
    public void A_follower_that_missed_entries_gets_them_when_it_is_back()
    {
        var cluster = new MemoryCluster(1, 2, 3);
        var leader = cluster.Elect(1);
        cluster.IsLost = message => message.To.Value == 3;
        for (byte i = 1; i <= 5; i++)
        {
            leader.Module.Propose(Command(i));
            cluster.Settle();
        }

        cluster.IsLost = _ => false;
        cluster.Tick(3);

        Assert.Equal([1, 2, 3, 4, 5], cluster.Members[3].Commands);
    }

    private static void Change(MemoryCluster cluster, Member leader, ConfigurationChangeKind kind, ulong member)
    {
        Assert.Equal(
            ProposalOutcome.Accepted,
            leader.Module.ProposeChange(new ConfigurationChange(kind, new MemberId(member), default)).Outcome);
        cluster.Settle();
    }
}
