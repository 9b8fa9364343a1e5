namespace Raft.Consensus.Tests;

/// <summary>What a member gets that is too far behind for the log (Raft paper, section 7).</summary>
public class SnapshotTests
{
    [Fact]
    public void A_follower_behind_the_compacted_log_gets_a_snapshot_and_then_entries()
    {
        var cluster = Compacted();

        cluster.Heal();
        cluster.Tick(5);
        cluster.Propose("after");

        Assert.Equal(cluster[1].Words, cluster[3].Words);
        Assert.Equal("after", cluster[3].Words.Last());
        Assert.True(cluster[3].Status.Base.Index > LogIndex.Zero);
    }

    [Fact]
    public void A_member_is_not_sent_a_second_snapshot_while_one_is_on_its_way()
    {
        var cluster = Compacted();
        cluster.SendsSnapshots = false;

        cluster.Heal();
        cluster.Tick(30);

        Assert.Single(cluster.Sent, message => message.Kind == MessageKind.SnapshotRequest);
        Assert.True(cluster[1].Status.Progress[Cluster.Id(3)].ReceivingSnapshot);
    }

    [Fact]
    public void A_snapshot_that_could_not_be_delivered_is_sent_again()
    {
        var cluster = Compacted();
        cluster.SendsSnapshots = false;
        cluster.Heal();
        cluster.Tick(5);

        cluster[1].Module.SnapshotSent(Cluster.Id(3), delivered: false);
        cluster.SendsSnapshots = true;
        cluster.Tick(5);

        Assert.Equal(cluster[1].Words, cluster[3].Words);
    }

    [Fact]
    public void A_snapshot_that_was_delivered_and_never_installed_is_sent_again()
    {
        var cluster = Compacted();
        cluster.SendsSnapshots = false;
        cluster.Heal();
        cluster.Tick(5);

        cluster[1].Module.SnapshotSent(Cluster.Id(3), delivered: true);
        cluster.SendsSnapshots = true;
        cluster.Tick(30);

        Assert.Equal(cluster[1].Words, cluster[3].Words);
    }

    [Fact]
    public void A_snapshot_is_acknowledged_only_once_it_is_durable()
    {
        var cluster = Compacted();
        cluster[3].SyncsAtOnce = false;
        cluster.Heal();
        cluster.Tick(5);
        Assert.True(cluster[1].Status.Progress[Cluster.Id(3)].ReceivingSnapshot);

        cluster[3].Sync(int.MaxValue);
        cluster[3].SyncsAtOnce = true;
        cluster.Tick(2);

        Assert.False(cluster[1].Status.Progress[Cluster.Id(3)].ReceivingSnapshot);
        Assert.Equal(cluster[1].Words, cluster[3].Words);
    }

    [Fact]
    public void A_stale_snapshot_does_not_replace_a_newer_log()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        for (var i = 0; i < 5; i++)
            cluster.Propose($"w{i}");
        var last = cluster[2].Status.Last;

        cluster[2].Module.Receive(new Message
        {
            Kind = MessageKind.SnapshotRequest,
            From = Cluster.Id(1),
            To = Cluster.Id(2),
            Term = new Term(1),
            Snapshot = new SnapshotMetadata(new EntryId(new Term(1), new LogIndex(3)), cluster[1].Status.Configuration),
        });

        Assert.Null(cluster[2].Module.TakeOutput().InstallSnapshot);
        Assert.Equal(last, cluster[2].Status.Last);
    }

    [Fact]
    public void A_snapshot_of_what_the_log_holds_already_only_moves_the_commit_index()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Delivers = message => message.To != Cluster.Id(2) || message.Entries.Count > 0;
        cluster.Propose("a");
        var last = cluster[2].Status.Last;
        Assert.True(cluster[2].Status.Commit < last.Index);

        cluster[2].Module.Receive(new Message
        {
            Kind = MessageKind.SnapshotRequest,
            From = Cluster.Id(1),
            To = Cluster.Id(2),
            Term = new Term(1),
            Snapshot = new SnapshotMetadata(last, cluster[1].Status.Configuration),
        });
        cluster.Settle();

        Assert.Equal(["a"], cluster[2].Words);
        Assert.Equal(LogIndex.Zero, cluster[2].Status.Base.Index);
    }

    [Fact]
    public void Only_what_is_applied_may_be_compacted()
    {
        var cluster = new Cluster(1);
        cluster.Elect(1);

        Assert.Throws<InvariantViolationException>(() => cluster[1].Module.Compact(new LogIndex(5)));
    }

    // Member 3 misses ten entries that the others compact away.
    private static Cluster Compacted()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 10; i++)
            cluster.Propose($"w{i}");
        foreach (var id in new ulong[] { 1, 2 })
            cluster[id].Compact(cluster[id].Status.Applied);
        return cluster;
    }
}
