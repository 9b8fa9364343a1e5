namespace Raft.Consensus.Tests;

/// <summary>How logs become equal, and when entries are committed (Raft paper, sections 5.3 and 5.4).</summary>
public class ReplicationTests
{
    private static readonly ulong[] LeadersLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

    [Theory]
    [InlineData("a: lacks an entry", new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6 })]
    [InlineData("b: lacks many", new ulong[] { 1, 1, 1, 4 })]
    [InlineData("c: has one too many", new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6 })]
    [InlineData("d: has entries of a newer term", new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7 })]
    [InlineData("e: lacks some and has others", new ulong[] { 1, 1, 1, 4, 4, 4, 4 })]
    [InlineData("f: led two terms alone", new ulong[] { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 })]
    public void Every_log_of_figure_7_becomes_the_leaders_section_5_3(string follower, ulong[] log)
    {
        var cluster = new Cluster(3);
        var past = new HardState(new Term(7), MemberId.None, LogIndex.Zero);
        cluster[1].RestartWith(past, LeadersLog);
        cluster[2].RestartWith(past, LeadersLog);
        cluster[3].RestartWith(past, log);

        cluster.Elect(1);
        cluster.Tick(3);

        Assert.Equal(11, cluster[1].DurableLog.Count());
        Assert.True(cluster[1].DurableLog.SequenceEqual(cluster[3].DurableLog), follower);
        Assert.Equal(cluster[1].Words, cluster[3].Words);
    }

    [Fact]
    public void A_conflict_costs_one_round_a_term_not_one_an_entry_section_5_3()
    {
        var cluster = new Cluster(3);
        var past = new HardState(new Term(7), MemberId.None, LogIndex.Zero);
        cluster[1].RestartWith(past, [1, .. Enumerable.Repeat(6UL, 50)]);
        cluster[2].RestartWith(past, [1, .. Enumerable.Repeat(6UL, 50)]);
        cluster[3].RestartWith(past, [1, .. Enumerable.Repeat(2UL, 30), .. Enumerable.Repeat(3UL, 30)]);

        cluster.Elect(1);
        cluster.Tick(3);

        Assert.Equal(cluster[1].DurableLog, cluster[3].DurableLog);
        Assert.InRange(cluster.Sent.Count(message => message is { Kind: MessageKind.AppendResponse, Reject: true }), 1, 3);
    }

    [Fact]
    public void An_entry_of_an_older_term_on_a_majority_is_not_committed_by_counting_figure_8()
    {
        var cluster = new Cluster(3);
        var past = new HardState(new Term(3), MemberId.None, LogIndex.Zero);
        cluster[1].RestartWith(past, 1, 2);
        cluster[2].RestartWith(past, 1, 2);
        cluster[3].RestartWith(past, 1);

        // The new leader's own entry gets nowhere; the entry of term 2 is on a majority and is known to be.
        cluster.Delivers = message => !message.Entries.Any(entry => entry.Id.Term == new Term(4));
        cluster.Elect(1);
        cluster.TickOnly(1, 3);
        Assert.Equal(LogIndex.Zero, cluster[1].Status.Commit);

        cluster.Delivers = _ => true;
        cluster.Tick(3);
        Assert.Equal(new LogIndex(3), cluster[1].Status.Commit);
    }

    [Fact]
    public void A_follower_commits_only_up_to_the_last_entry_that_the_request_matched_figure_2()
    {
        var cluster = new Cluster(3);
        cluster[2].RestartWith(new HardState(new Term(2), MemberId.None, new LogIndex(1)), 1, 1, 2);

        // Entry 3 of the leader's log, which it knows committed, is another than the follower's.
        cluster[2].Module.Receive(new Message
        {
            Kind = MessageKind.AppendRequest,
            From = Cluster.Id(1),
            To = Cluster.Id(2),
            Term = new Term(3),
            Log = new EntryId(new Term(1), new LogIndex(2)),
            Commit = new LogIndex(3),
        });
        cluster[2].Work();

        Assert.Equal(new LogIndex(2), cluster[2].Status.Commit);
        Assert.Equal(["1@1", "2@1"], cluster[2].AppliedIds);
    }

    [Fact]
    public void A_follower_that_missed_entries_gets_them_when_it_is_back()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        var words = Enumerable.Range(0, 20).Select(i => $"w{i}").ToList();
        words.ForEach(word => cluster.Propose(word));

        cluster.Heal();
        cluster.Tick(3);

        Assert.Equal(words, cluster[3].Words);
    }

    [Fact]
    public void A_deposed_leaders_uncommitted_entries_are_replaced_section_5_3()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);
        cluster[1].Module.Propose(Cluster.Bytes("lost"));
        cluster.Tick(15);
        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        cluster.Propose("kept");

        cluster.Heal();
        cluster.Tick(3);

        Assert.All(cluster.Members, member => Assert.Equal(["kept"], member.Words));
    }

    [Fact]
    public void Commands_proposed_between_two_outputs_travel_in_one_append()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        var before = cluster.Sent.Count;

        for (var i = 0; i < 100; i++)
            cluster[1].Module.Propose(Cluster.Bytes($"{i}"));
        cluster.Settle();

        var appends = cluster.Sent.Skip(before).Where(message => message.Kind == MessageKind.AppendRequest && message.Entries.Count > 0);
        Assert.Equal(2, appends.Count());
        Assert.All(cluster.Members, member => Assert.Equal(100, member.Words.Count()));
    }

    [Fact]
    public void A_lost_append_is_noticed_and_sent_again()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.Propose("a");
        cluster.Heal();

        cluster.Tick(4);

        Assert.Equal(["a"], cluster[3].Words);
    }

    [Fact]
    public void Appends_under_way_are_bounded()
    {
        var cluster = new Cluster(3, tune: options => options with { AppendsInFlightMax = 4, AppendBytesMax = 100 });
        cluster.Elect(1);
        cluster.Delivers = message => message.From != Cluster.Id(3) || message.Kind != MessageKind.AppendResponse;
        var before = cluster.Sent.Count;

        for (var i = 0; i < 50; i++)
            cluster.Propose(new string('x', 90));

        Assert.Equal(4, cluster.Sent.Skip(before).Count(message => message.To == Cluster.Id(3) && message.Entries.Count > 0));
        Assert.Equal(50, cluster[2].Words.Count());
    }

    [Fact]
    public void Append_requests_and_committed_entries_are_bounded_in_bytes()
    {
        var cluster = new Cluster(1, tune: options => options with { CommittedBytesMax = 1000 });
        cluster.Elect(1);
        cluster[1].SyncsAtOnce = false;
        for (var i = 0; i < 10; i++)
            cluster[1].Module.Propose(new byte[400]);
        var output = cluster[1].Module.TakeOutput();
        cluster[1].Module.Persisted(output.PersistSequence);

        var committed = cluster[1].Module.TakeOutput().Committed;

        Assert.Equal(2, committed.Count);
        Assert.True(cluster[1].Module.HasOutput);
    }

    [Fact]
    public void Committed_entries_are_bounded_in_number()
    {
        var cluster = new Cluster(1, tune: options => options with { CommittedEntriesMax = 3 });
        cluster.Elect(1);
        cluster[1].SyncsAtOnce = false;
        for (var i = 0; i < 10; i++)
            cluster[1].Module.Propose(Cluster.Bytes("x"));
        var output = cluster[1].Module.TakeOutput();
        cluster[1].Module.Persisted(output.PersistSequence);

        var committed = cluster[1].Module.TakeOutput().Committed;

        Assert.Equal(3, committed.Count);
        Assert.True(cluster[1].Module.HasOutput);
    }

    [Fact]
    public void A_leader_refuses_more_than_it_may_hold_uncommitted()
    {
        var cluster = new Cluster(3, tune: options => options with { UncommittedBytesMax = 1000 });
        cluster.Elect(1);
        cluster.Isolate(1);

        Assert.Equal(ProposalOutcome.Accepted, cluster[1].Module.Propose(new byte[600]).Outcome);
        Assert.Equal(ProposalOutcome.Overloaded, cluster[1].Module.Propose(new byte[600]).Outcome);
        cluster.Heal();
        cluster.Tick(3);
        Assert.Equal(ProposalOutcome.Accepted, cluster[1].Module.Propose(new byte[600]).Outcome);
    }

    [Fact]
    public void An_append_with_a_gap_changes_nothing()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        var entry = new LogEntry(new EntryId(new Term(1), new LogIndex(9)), EntryKind.Command, default);

        cluster[2].Module.Receive(new Message
        {
            Kind = MessageKind.AppendRequest,
            From = Cluster.Id(1),
            To = Cluster.Id(2),
            Term = new Term(1),
            Log = new EntryId(new Term(1), new LogIndex(1)),
            Entries = [entry],
        });

        Assert.Equal(new LogIndex(1), cluster[2].Status.Last.Index);
    }
}
