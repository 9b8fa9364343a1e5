namespace Raft.Consensus.Tests;

/// <summary>Members come and go one at a time (Raft thesis, chapter 4).</summary>
public class MembershipTests
{
    [Fact]
    public void A_blank_member_is_added_as_a_learner_catches_up_and_is_promoted_section_4_2_1()
    {
        var cluster = new Cluster(1);
        cluster.Elect(1);
        cluster.Propose("a");

        // Only a snapshot tells a blank member who the first members were.
        cluster[1].Compact(cluster[1].Status.Applied);
        cluster.AddBlank(2);

        Assert.Equal(ProposalOutcome.Accepted, cluster.Change(ConfigurationChangeKind.AddLearner, 2).Outcome);
        cluster.Tick(2);
        Assert.Equal(["a"], cluster[2].Words);
        Assert.Equal(1, cluster[1].Status.Configuration.Quorum);

        Assert.Equal(ProposalOutcome.Accepted, cluster.Change(ConfigurationChangeKind.PromoteLearner, 2).Outcome);
        cluster.Tick(2);
        Assert.All(cluster.Members, member => Assert.Equal(2, member.Status.Configuration.Quorum));
    }

    [Fact]
    public void A_second_change_waits_until_the_first_is_applied_section_4_1()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);

        Assert.Equal(ProposalOutcome.Accepted, cluster.Change(ConfigurationChangeKind.RemoveMember, 3).Outcome);
        Assert.Equal(ProposalOutcome.ChangeInProgress, cluster.Change(ConfigurationChangeKind.RemoveMember, 2).Outcome);

        cluster.Heal();
        cluster.Tick(5);
        Assert.Equal(ProposalOutcome.Accepted, cluster.Change(ConfigurationChangeKind.RemoveMember, 2).Outcome);
    }

    [Fact]
    public void A_new_leader_changes_nobody_before_it_committed_an_entry_of_its_own_term()
    {
        var cluster = new Cluster(3) { Delivers = message => message.Entries.Count == 0 };
        cluster.Elect(1);

        Assert.Equal(ProposalOutcome.ChangeInProgress, cluster.Change(ConfigurationChangeKind.RemoveMember, 3).Outcome);
    }

    [Fact]
    public void A_learner_counts_in_no_quorum_section_4_2_1()
    {
        var cluster = new Cluster(3, learners: 2);
        cluster.Elect(1);
        cluster.Isolate(2);
        cluster.Isolate(3);

        var entry = cluster.Propose("a");
        cluster.TickOnly(1, 5);

        Assert.True(cluster[1].Status.Commit < entry.Index);
    }

    [Fact]
    public void A_member_that_removed_another_and_restarts_with_an_older_state_does_not_wait_for_its_vote()
    {
        var cluster = new Cluster(2);
        cluster.Elect(2);
        cluster.Change(ConfigurationChangeKind.RemoveMember, 1);
        cluster[1].Crash();

        // Its state machine kept nothing, so that the log tells everything anew.
        cluster[2].Crash();
        cluster[2].Restart();
        cluster.TickOnly(2, 20);

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
    }

    [Fact]
    public void A_removed_leader_hands_over_and_steps_down_section_4_2_2()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        cluster.Change(ConfigurationChangeKind.RemoveMember, 1);

        Assert.Equal(Role.Follower, cluster[1].Status.Role);
        Assert.Equal(Cluster.Id(2), cluster.Leader.Id);
        cluster.Propose("a");
        Assert.Equal(["a"], cluster[3].Words);
        Assert.Empty(cluster[1].Words);
    }

    [Fact]
    public void A_leader_that_restarts_before_the_others_know_of_its_removal_leads_them_to_it()
    {
        var cluster = new Cluster(2);
        cluster.Elect(1);
        var removal = cluster[1].Status.Last.Index.Next;

        // The removal is committed by both, but only the leader knows it; what it took afterwards makes its log the longer one.
        cluster.Delivers = message => message.To != Cluster.Id(2) || (message.Commit < removal && message.Log.Index < removal);
        Assert.Equal(ProposalOutcome.Accepted, cluster.Change(ConfigurationChangeKind.RemoveMember, 1).Outcome);
        cluster.Propose("a");
        cluster[1].Crash();
        cluster[1].Restart();
        cluster[2].Crash();
        cluster[2].Restart();
        cluster.Delivers = _ => true;
        cluster.Tick(100);

        Assert.Equal([Cluster.Id(2)], cluster[2].Status.Configuration.Voters);
        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        Assert.Equal(["a"], cluster[2].Words);
    }

    [Fact]
    public void A_removed_member_learns_of_it_and_campaigns_no_more()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        cluster.Change(ConfigurationChangeKind.RemoveMember, 3);
        cluster.TickOnly(3, 100);

        Assert.False(cluster[3].Status.Configuration.Contains(Cluster.Id(3)));
        Assert.Equal(Role.Follower, cluster[3].Status.Role);
        Assert.Equal(Role.Leader, cluster[1].Status.Role);
    }

    [Fact]
    public void A_removed_member_that_never_learned_of_it_cannot_disturb_the_others_section_4_2_3()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.Change(ConfigurationChangeKind.RemoveMember, 3);
        cluster.Tick(30);
        cluster.Heal();

        cluster.Tick(100);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
        Assert.Equal(new Term(1), cluster[1].Status.Term);
    }

    [Fact]
    public void Removing_a_member_commits_what_the_smaller_quorum_holds()
    {
        var cluster = new Cluster(4);
        cluster.Elect(1);
        cluster.Isolate(4);
        cluster.Change(ConfigurationChangeKind.RemoveMember, 4);
        cluster.Isolate(3);

        cluster.Propose("a");

        Assert.Equal(["a"], cluster[1].Words);
    }

    [Theory]
    [InlineData(ConfigurationChangeKind.RemoveMember, 9UL)]
    [InlineData(ConfigurationChangeKind.AddVoter, 1UL)]
    [InlineData(ConfigurationChangeKind.AddLearner, 2UL)]
    [InlineData(ConfigurationChangeKind.PromoteLearner, 1UL)]
    [InlineData(ConfigurationChangeKind.PromoteLearner, 9UL)]
    [InlineData(ConfigurationChangeKind.AddLearner, 0UL)]
    public void A_change_that_makes_no_sense_is_refused(ConfigurationChangeKind kind, ulong member)
    {
        var cluster = new Cluster(1, learners: 1);
        cluster.Elect(1);

        Assert.Equal(ProposalOutcome.InvalidChange, cluster.Change(kind, member).Outcome);
    }

    [Fact]
    public void The_last_voter_cannot_be_removed()
    {
        var cluster = new Cluster(1, learners: 1);
        cluster.Elect(1);

        Assert.Equal(ProposalOutcome.InvalidChange, cluster.Change(ConfigurationChangeKind.RemoveMember, 1).Outcome);
    }

    [Fact]
    public void A_learner_whose_disk_was_replaced_begins_anew()
    {
        var cluster = new Cluster(2, learners: 1);
        cluster.Elect(1);
        cluster.Propose("a");

        cluster.AddBlank(3);
        cluster.Propose("b");
        cluster.Tick(5);

        Assert.Equal(["a", "b"], cluster[3].Words);
    }

    [Fact]
    public void A_voter_whose_disk_lost_acknowledged_entries_is_not_filled_anew_and_stops()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Propose("a");
        cluster[3].RestartWith(new HardState(new Term(1), Cluster.Id(1), LogIndex.Zero));

        // Before it hears how much was committed it is sent what follows on the lost entries, and cannot take it.
        cluster.Propose("b");
        Assert.Empty(cluster[3].DurableLog);
        Assert.Equal(new LogIndex(2), cluster[1].Status.Progress[Cluster.Id(3)].Match);

        Assert.Throws<InvariantViolationException>(() => cluster.Tick(3));
    }

    [Fact]
    public void A_voter_whose_disk_lost_acknowledged_entries_stops()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Propose("a");

        cluster[3].RestartWith(new HardState(new Term(1), Cluster.Id(1), LogIndex.Zero));

        Assert.Throws<InvariantViolationException>(() => cluster.Tick(3));
    }
}
