namespace Raft.Consensus.Tests;

/// <summary>Nothing is promised before it is durable, with any number of writes under way (Raft paper, figure 2; thesis, 10.2.1).</summary>
public class PersistenceTests
{
    [Fact]
    public void A_vote_is_given_only_once_it_is_durable()
    {
        var cluster = new Cluster(3);
        cluster[1].SyncsAtOnce = false;
        cluster[1].Module.Receive(new Message { Kind = MessageKind.VoteRequest, From = Cluster.Id(2), To = Cluster.Id(1), Term = new Term(1) });

        Assert.Empty(cluster[1].Work());
        cluster[1].Sync(1);

        Assert.Equal(MessageKind.VoteResponse, Assert.Single(cluster[1].Work()).Kind);
        Assert.Equal(Cluster.Id(2), cluster[1].DurableState.Vote);
    }

    [Fact]
    public void A_candidate_asks_for_votes_and_counts_its_own_only_once_its_term_is_durable()
    {
        var cluster = new Cluster(1);
        cluster[1].SyncsAtOnce = false;
        cluster[1].Module.Campaign();
        cluster.Settle();
        Assert.Equal(Role.Candidate, cluster[1].Status.Role);

        cluster[1].Sync(1);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
    }

    [Fact]
    public void An_append_is_acknowledged_only_once_it_is_durable()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster[2].SyncsAtOnce = cluster[3].SyncsAtOnce = false;

        var entry = cluster.Propose("a");
        Assert.True(cluster[1].Status.Commit < entry.Index);

        cluster[2].Sync(1);
        cluster.Settle();
        Assert.Equal(entry.Index, cluster[1].Status.Commit);
    }

    [Fact]
    public void A_leader_sends_while_it_writes_and_commits_without_its_own_disk_but_applies_only_with_it()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster[1].SyncsAtOnce = false;

        var entry = cluster.Propose("a");
        Assert.Equal(entry.Index, cluster[1].Status.Commit);
        Assert.Empty(cluster[1].Words);

        cluster[1].Sync(1);
        cluster.Settle();
        Assert.Equal(["a"], cluster[1].Words);
    }

    [Fact]
    public void A_leaders_own_unsynced_entry_does_not_count_towards_the_quorum()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster[1].SyncsAtOnce = cluster[2].SyncsAtOnce = false;
        var entry = cluster.Propose("a");

        cluster[2].Sync(1);
        cluster.Settle();
        Assert.True(cluster[1].Status.Commit < entry.Index);

        cluster[1].Sync(1);
        Assert.Equal(entry.Index, cluster[1].Status.Commit);
    }

    [Fact]
    public void A_crash_between_writing_and_telling_keeps_what_was_written()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster[2].SyncsAtOnce = false;
        cluster.Propose("a");

        cluster[2].SyncAndCrash();
        cluster[2].Restart();
        cluster[2].SyncsAtOnce = true;
        cluster.Tick(3);

        Assert.Equal(["a"], cluster[2].Words);
    }

    [Fact]
    public void A_crash_before_writing_loses_only_what_nobody_was_promised()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster[2].SyncsAtOnce = false;
        var entry = cluster.Propose("a");

        cluster[2].Crash();
        cluster[2].Restart();
        Assert.True(cluster[1].Status.Commit < entry.Index);
        Assert.True(cluster[2].Status.Last.Index < entry.Index);

        cluster[2].SyncsAtOnce = true;
        cluster.Tick(3);
        Assert.Equal(["a"], cluster[2].Words);
    }

    [Fact]
    public void A_write_that_was_overtaken_by_a_truncation_makes_nothing_durable_that_took_its_place()
    {
        var follower = new Member(Cluster.Id(1), new Configuration([Cluster.Id(1), Cluster.Id(2), Cluster.Id(3)], []), Options)
        {
            SyncsAtOnce = false,
        };

        // Two writes under way: entries 1 and 2 of term 1, then entry 2 replaced by a leader of term 2 that knows it committed.
        follower.Module.Receive(Append(from: 2, term: 1, previous: (0, 0), commit: 0, (1, 1), (1, 2)));
        follower.Work();
        follower.Module.Receive(Append(from: 3, term: 2, previous: (1, 1), commit: 2, (2, 2)));
        follower.Work();
        Assert.Equal(2, follower.WritesUnderWay);

        follower.Sync(1);
        Assert.Equal(["1@1"], ApplyAll(follower));
        follower.Sync(1);
        Assert.Equal(["1@1", "2@2"], ApplyAll(follower));
    }

    [Fact]
    public void An_entry_that_left_and_came_back_is_durable_only_with_its_last_write()
    {
        var follower = new Member(Cluster.Id(1), new Configuration([Cluster.Id(1), Cluster.Id(2), Cluster.Id(3)], []), Options)
        {
            SyncsAtOnce = false,
        };
        follower.Module.Receive(Append(from: 2, term: 1, previous: (0, 0), commit: 0, (1, 1), (1, 2)));
        follower.Work();
        follower.Module.Receive(Append(from: 3, term: 2, previous: (1, 1), commit: 0, (2, 2)));
        follower.Work();
        follower.Module.Receive(Append(from: 2, term: 3, previous: (1, 1), commit: 2, (1, 2), (3, 3)));
        follower.Work();

        // The first write holds 2@1 too, but the second one removes it from the disk again.
        follower.Sync(1);
        Assert.Equal(["1@1"], ApplyAll(follower));
        follower.Sync(2);
        Assert.Equal(["1@1", "2@1"], ApplyAll(follower));
    }

    [Fact]
    public void A_write_that_was_overtaken_by_a_snapshot_makes_nothing_durable_beyond_it()
    {
        var follower = new Member(Cluster.Id(1), new Configuration([Cluster.Id(1), Cluster.Id(2), Cluster.Id(3)], []), Options)
        {
            SyncsAtOnce = false,
        };

        // Three writes under way: entries 1 to 5 of term 1, a snapshot up to 3 of term 2 in their place, and what a leader committed after it.
        follower.Module.Receive(Append(from: 2, term: 1, previous: (0, 0), commit: 0, (1, 1), (1, 2), (1, 3), (1, 4), (1, 5)));
        follower.Work();
        follower.ReceiveSnapshotData([]);
        follower.Module.Receive(new Message
        {
            Kind = MessageKind.SnapshotRequest,
            From = Cluster.Id(3),
            To = Cluster.Id(1),
            Term = new Term(2),
            Snapshot = new SnapshotMetadata(new EntryId(new Term(2), new LogIndex(3)), follower.Status.Configuration),
        });
        follower.Work();
        follower.Module.Receive(Append(from: 3, term: 2, previous: (2, 3), commit: 5, (2, 4), (2, 5)));
        follower.Work();
        Assert.Equal(3, follower.WritesUnderWay);

        follower.Sync(2);
        Assert.Empty(ApplyAll(follower));
        follower.Sync(1);
        Assert.Equal(["4@2", "5@2"], ApplyAll(follower));
    }

    [Fact]
    public void A_commit_index_that_did_not_reach_the_disk_is_told_by_a_later_change_of_members()
    {
        var change = new ConfigurationChange(ConfigurationChangeKind.AddLearner, Cluster.Id(9), default).Encode();
        LogEntry[] log =
        [
            new(new EntryId(new Term(1), new LogIndex(1)), EntryKind.ConfigurationChange, change),
            new(new EntryId(new Term(1), new LogIndex(2)), EntryKind.ConfigurationChange, change),
        ];

        var module = new ConsensusModule(
            Options(Cluster.Id(1)),
            new RecoveredState(
                new HardState(new Term(1), MemberId.None, LogIndex.Zero), EntryId.Zero, log, LogIndex.Zero, new Configuration([Cluster.Id(1)], [])));

        Assert.Equal(new LogIndex(1), module.Status.Commit);
    }

    [Fact]
    public void A_log_that_contradicts_the_state_is_refused()
    {
        var state = new RecoveredState(default, EntryId.Zero, [], new LogIndex(5), Configuration.Empty);

        Assert.Throws<ArgumentException>(() => new ConsensusModule(Options(Cluster.Id(1)), state));
    }

    private static ConsensusOptions Options(MemberId id) => new() { Id = id, Random = _ => 0 };

    private static List<string> ApplyAll(Member member)
    {
        member.Work();
        return member.AppliedIds;
    }

    private static Message Append(ulong from, ulong term, (ulong Term, ulong Index) previous, ulong commit, params (ulong Term, ulong Index)[] entries) => new()
    {
        Kind = MessageKind.AppendRequest,
        From = Cluster.Id(from),
        To = Cluster.Id(1),
        Term = new Term(term),
        Log = new EntryId(new Term(previous.Term), new LogIndex(previous.Index)),
        Commit = new LogIndex(commit),
        Entries = [.. entries.Select(entry => new LogEntry(
            new EntryId(new Term(entry.Term), new LogIndex(entry.Index)), EntryKind.Command, Cluster.Bytes($"{entry.Index}@{entry.Term}")))],
    };
}
