namespace Raft.Consensus.Tests;

/// <summary>Linearizable reads without log writes (Raft thesis, section 6.4).</summary>
public class ReadIndexTests
{
    [Fact]
    public void A_read_is_released_at_the_commit_index_once_a_quorum_confirmed_the_leader()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        var entry = cluster.Propose("a");

        Assert.True(cluster[1].Module.RequestRead(7));
        cluster.Settle();

        Assert.Equal([new ReleasedRead(7, entry.Index)], cluster[1].Reads);
    }

    [Fact]
    public void Reads_that_wait_together_share_one_round()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        var before = cluster.Sent.Count;

        for (var i = 1UL; i <= 100; i++)
            cluster[1].Module.RequestRead(i);
        cluster.Settle();

        Assert.Equal(100, cluster[1].Reads.Count);
        Assert.Equal(2, cluster.Sent.Skip(before).Count(message => message.Kind == MessageKind.HeartbeatRequest));
    }

    [Fact]
    public void Reads_that_come_while_a_round_is_under_way_share_the_next()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Delivers = message => message.Kind != MessageKind.HeartbeatResponse;
        cluster[1].Module.RequestRead(1);
        cluster.Settle();
        var before = cluster.Sent.Count;

        for (var read = 2UL; read <= 5; read++)
        {
            cluster[1].Module.RequestRead(read);
            cluster.Settle();
        }

        Assert.Equal(before, cluster.Sent.Count);
        Assert.Empty(cluster[1].Reads);

        // The round's answers were lost; those to the next heartbeat confirm it, and then the others get a round of their own.
        cluster.Delivers = _ => true;
        cluster.TickOnly(1, 1);
        Assert.Equal([1UL, 2, 3, 4, 5], cluster[1].Reads.Select(read => read.Context));
        Assert.Equal(4, cluster.Sent.Skip(before).Count(message => message.Kind == MessageKind.HeartbeatRequest));
    }

    [Fact]
    public void A_leader_that_was_cut_off_releases_no_read_and_drops_it_when_it_steps_down()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);

        Assert.True(cluster[1].Module.RequestRead(7));
        cluster.Tick(20);

        Assert.Empty(cluster[1].Reads);
        Assert.Equal([7UL], cluster[1].DroppedReads);
    }

    [Fact]
    public void A_new_leader_reads_only_after_it_committed_an_entry_of_its_own_term_step_1()
    {
        var cluster = new Cluster(3) { Delivers = message => message.Entries.Count == 0 };
        cluster.Elect(1);

        cluster[1].Module.RequestRead(7);
        cluster.TickOnly(1, 5);
        Assert.Empty(cluster[1].Reads);

        cluster.Delivers = _ => true;
        cluster.Tick(3);
        Assert.Equal([7UL], cluster[1].Reads.Select(read => read.Context));
    }

    [Fact]
    public void An_answer_to_an_earlier_round_does_not_confirm_a_later_one()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster[1].Module.RequestRead(1);
        cluster.Settle();
        var old = cluster.Sent.Last(message => message.Kind == MessageKind.HeartbeatResponse);

        cluster.Isolate(1);
        cluster[1].Module.RequestRead(2);
        cluster.Settle();
        cluster.Inject(old);
        cluster.Settle();

        Assert.DoesNotContain(cluster[1].Reads, read => read.Context == 2);
    }

    [Fact]
    public void A_learners_answer_confirms_nothing()
    {
        var cluster = new Cluster(3, learners: 2);
        cluster.Elect(1);
        cluster.Isolate(2);
        cluster.Isolate(3);

        cluster[1].Module.RequestRead(7);
        cluster.TickOnly(1, 5);

        Assert.Empty(cluster[1].Reads);
    }

    [Fact]
    public void A_single_voter_asks_nobody()
    {
        var cluster = new Cluster(1, learners: 1);
        cluster.Elect(1);
        cluster.Isolate(2);

        cluster[1].Module.RequestRead(7);
        cluster.Settle();

        Assert.Equal([7UL], cluster[1].Reads.Select(read => read.Context));
    }

    [Fact]
    public void A_follower_takes_no_read()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        Assert.False(cluster[2].Module.RequestRead(7));
    }
}
