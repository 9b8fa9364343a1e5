namespace Raft.Consensus.Tests;

/// <summary>Leadership handed over (Raft thesis, section 3.10).</summary>
public class LeadershipTransferTests
{
    [Fact]
    public void Leadership_moves_to_the_chosen_voter_at_once_and_in_the_next_term()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        Assert.Equal(TransferResult.Started, cluster[1].Module.TransferLeadership(Cluster.Id(3)));
        cluster.Settle();

        Assert.Equal(Role.Leader, cluster[3].Status.Role);
        Assert.Equal(new Term(2), cluster[3].Status.Term);
        Assert.Equal(Cluster.Id(3), cluster[1].Status.Leader);
    }

    [Fact]
    public void A_target_that_lags_is_brought_up_to_date_first()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.Propose("a");
        cluster[1].Module.TransferLeadership(Cluster.Id(3));
        cluster.Settle();
        Assert.Equal(Role.Leader, cluster[1].Status.Role);

        cluster.Heal();
        cluster.Tick(5);

        Assert.Equal(Role.Leader, cluster[3].Status.Role);
        Assert.Equal(["a"], cluster[3].Words);
    }

    [Fact]
    public void Proposals_are_refused_meanwhile_and_taken_again_when_it_is_given_up_after_an_election_timeout()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster[1].Module.TransferLeadership(Cluster.Id(3));

        Assert.Equal(ProposalOutcome.LeadershipMoving, cluster[1].Module.Propose(Cluster.Bytes("a")).Outcome);
        cluster.Tick(10);

        Assert.Equal(MemberId.None, cluster[1].Status.TransferTarget);
        Assert.Equal(ProposalOutcome.Accepted, cluster[1].Module.Propose(Cluster.Bytes("a")).Outcome);
    }

    [Fact]
    public void A_lost_word_to_the_target_is_repeated()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        var lost = 0;
        cluster.Delivers = message => message.Kind != MessageKind.TimeoutNow || lost++ > 0;

        cluster[1].Module.TransferLeadership(Cluster.Id(2));
        cluster.Tick(3);

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
    }

    [Fact]
    public void Only_voters_other_than_the_leader_can_be_chosen_and_only_the_leader_can_choose()
    {
        var cluster = new Cluster(2, learners: 1);
        cluster.Elect(1);

        Assert.Equal(TransferResult.AlreadyLeader, cluster[1].Module.TransferLeadership(Cluster.Id(1)));
        Assert.Equal(TransferResult.NotVoter, cluster[1].Module.TransferLeadership(Cluster.Id(3)));
        Assert.Equal(TransferResult.NotVoter, cluster[1].Module.TransferLeadership(Cluster.Id(8)));
        Assert.Equal(TransferResult.NotLeader, cluster[2].Module.TransferLeadership(Cluster.Id(1)));
    }
}
