namespace Raft.Consensus.Tests;

/// <summary>Who comes to lead, and when (Raft paper, sections 5.1, 5.2, 5.4.1; thesis, sections 4.2.3, 6.2, 9.6).</summary>
public class ElectionTests
{
    [Fact]
    public void A_leader_emerges_when_nobody_is_heard_for_an_election_timeout_section_5_2()
    {
        var cluster = new Cluster(3);

        cluster.Tick(10);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
        Assert.All(cluster.Members, member => Assert.Equal(Cluster.Id(1), member.Status.Leader));
    }

    [Fact]
    public void Heartbeats_keep_others_from_campaigning_section_5_2()
    {
        var cluster = new Cluster(3);
        cluster.Elect(2);

        cluster.Tick(200);

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        Assert.Equal(new Term(1), cluster[2].Status.Term);
    }

    [Fact]
    public void The_first_election_need_not_wait_for_an_election_timeout()
    {
        var cluster = new Cluster(3);

        cluster.Tick(2);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
    }

    [Fact]
    public void Followers_of_a_leader_at_which_nothing_listens_any_more_elect_another_at_once()
    {
        var cluster = new Cluster(3);
        cluster.Elect(2);
        cluster[2].Crash();

        cluster[1].Module.ConnectionRefused(Cluster.Id(2));
        cluster[3].Module.ConnectionRefused(Cluster.Id(2));
        cluster.Tick();

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
    }

    [Fact]
    public void A_false_report_that_nothing_listens_at_the_leader_does_not_depose_it()
    {
        var cluster = new Cluster(3);
        cluster.Elect(2);

        cluster[1].Module.ConnectionRefused(Cluster.Id(2));
        cluster[1].Module.ConnectionRefused(Cluster.Id(3));
        cluster.Tick(20);

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        Assert.Equal(new Term(1), cluster[2].Status.Term);
        Assert.Equal(Cluster.Id(2), cluster[1].Status.Leader);
    }

    [Fact]
    public void Two_that_ask_at_the_same_moment_do_not_split_the_votes()
    {
        var cluster = new Cluster(3);
        cluster[3].Crash();

        cluster[1].Module.Campaign();
        cluster[2].Module.Campaign();
        cluster.Settle();

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        Assert.Equal(cluster[2].Status.Term, cluster[1].Status.Term);
    }

    [Fact]
    public void A_member_votes_once_a_term_and_gives_the_same_candidate_the_same_answer_section_5_2()
    {
        var cluster = new Cluster(3);
        cluster.Isolate(1);

        Assert.False(Ask(cluster, from: 2, term: 5).Reject);
        Assert.True(Ask(cluster, from: 3, term: 5).Reject);
        Assert.False(Ask(cluster, from: 2, term: 5).Reject);
        Assert.False(Ask(cluster, from: 3, term: 6).Reject);
    }

    [Fact]
    public void A_vote_is_remembered_across_a_crash_section_5_2()
    {
        var cluster = new Cluster(3);
        cluster.Isolate(1);
        Assert.False(Ask(cluster, from: 2, term: 5).Reject);

        cluster[1].Crash();
        cluster[1].Restart();

        Assert.True(Ask(cluster, from: 3, term: 5).Reject);
    }

    [Theory]
    [InlineData("a later term wins over a longer log", 3, 1, false)]
    [InlineData("equal logs", 2, 3, false)]
    [InlineData("a longer log of the same term", 2, 4, false)]
    [InlineData("a shorter log of the same term", 2, 2, true)]
    [InlineData("a longer log of an older term", 1, 9, true)]
    public void A_vote_goes_only_to_a_log_that_is_at_least_as_new_section_5_4_1(string candidate, ulong lastTerm, ulong lastIndex, bool refused)
    {
        var cluster = new Cluster(3);
        cluster.Isolate(1);
        cluster[1].RestartWith(new HardState(new Term(3), MemberId.None, LogIndex.Zero), 1, 2, 2);

        var answer = Ask(cluster, from: 2, term: 7, new EntryId(new Term(lastTerm), new LogIndex(lastIndex)));

        Assert.True(answer.Reject == refused, candidate);
    }

    [Fact]
    public void A_member_with_an_old_log_does_not_win_section_5_4_1()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.Propose("a");
        cluster.Heal();
        cluster[1].Crash();

        cluster.Tick(20);
        cluster[3].Module.Campaign();
        cluster.Settle();

        Assert.Equal(Role.Leader, cluster[2].Status.Role);
        Assert.All([cluster[2], cluster[3]], member => Assert.Equal(["a"], member.Words));
    }

    [Fact]
    public void A_candidate_follows_the_leader_that_won_its_term_section_5_2()
    {
        var cluster = new Cluster(3) { Delivers = message => message.Kind != MessageKind.VoteResponse };
        cluster[1].Module.Campaign();
        cluster.Settle();
        Assert.Equal(Role.Candidate, cluster[1].Status.Role);

        cluster.Inject(new Message { Kind = MessageKind.HeartbeatRequest, From = Cluster.Id(2), To = Cluster.Id(1), Term = cluster[1].Status.Term });
        cluster.Settle();

        Assert.Equal(Role.Follower, cluster[1].Status.Role);
        Assert.Equal(Cluster.Id(2), cluster[1].Status.Leader);
    }

    [Fact]
    public void A_leader_steps_down_when_it_learns_of_a_newer_term_section_5_1()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);
        cluster.TickOnly(3, 10);
        cluster.TickOnly(2, 12);
        Assert.Equal(Role.Leader, cluster[1].Status.Role);
        cluster.Heal();

        cluster.TickOnly(1, 1);

        Assert.Equal(Role.Follower, cluster[1].Status.Role);
        Assert.Equal(cluster[2].Status.Term, cluster[1].Status.Term);
    }

    [Fact]
    public void Two_leaders_of_one_term_stop_the_member_that_sees_them_Election_Safety()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        var impostor = new Message { Kind = MessageKind.HeartbeatRequest, From = Cluster.Id(2), To = Cluster.Id(3), Term = new Term(1) };

        Assert.Throws<InvariantViolationException>(() => cluster[3].Module.Receive(impostor));
    }

    [Fact]
    public void A_member_that_was_cut_off_neither_raises_its_term_nor_disturbs_the_leader_thesis_9_6()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.Tick(200);
        Assert.Equal(Role.PreCandidate, cluster[3].Status.Role);
        Assert.Equal(new Term(1), cluster[3].Status.Term);

        cluster.Heal();
        cluster[3].Module.Campaign();
        cluster.Settle();
        cluster.Tick(3);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
        Assert.Equal(new Term(1), cluster[1].Status.Term);
        Assert.Equal(Cluster.Id(1), cluster[3].Status.Leader);
    }

    [Fact]
    public void Who_hears_its_leader_ignores_candidates_of_newer_terms_thesis_4_2_3()
    {
        var cluster = new Cluster(3);
        cluster.Elect(1);

        cluster.Inject(VoteRequest(from: 2, to: 3, new Term(9), new EntryId(new Term(9), new LogIndex(9))));
        cluster.Settle();

        Assert.Equal(new Term(1), cluster[3].Status.Term);
    }

    [Fact]
    public void A_leader_that_hears_no_quorum_steps_down_within_two_election_timeouts_thesis_6_2()
    {
        var cluster = new Cluster(5);
        cluster.Elect(1);
        foreach (var gone in new ulong[] { 3, 4, 5 })
            cluster.Isolate(gone);

        cluster.TickOnly(1, 20);

        Assert.NotEqual(Role.Leader, cluster[1].Status.Role);
    }

    [Fact]
    public void A_leader_that_hears_a_quorum_stays_thesis_6_2()
    {
        var cluster = new Cluster(5);
        cluster.Elect(1);
        cluster.Isolate(4);
        cluster.Isolate(5);

        cluster.Tick(100);

        Assert.Equal(Role.Leader, cluster[1].Status.Role);
        Assert.Equal(new Term(1), cluster[1].Status.Term);
    }

    [Fact]
    public void A_learner_never_campaigns_thesis_4_2_1()
    {
        var cluster = new Cluster(2, learners: 1);

        cluster.Isolate(3);
        cluster.TickOnly(3, 100);

        Assert.Equal(Role.Follower, cluster[3].Status.Role);
    }

    [Fact]
    public void A_learner_votes_when_asked_since_it_may_have_been_promoted_without_knowing_thesis_4_2_2()
    {
        var cluster = new Cluster(2, learners: 1);

        cluster[3].Module.Receive(VoteRequest(from: 1, to: 3, new Term(4), EntryId.Zero));

        Assert.Contains(cluster[3].Work(), message => message is { Kind: MessageKind.VoteResponse, Reject: false });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_command_that_a_leader_takes_is_applied_by_every_member(int members)
    {
        var cluster = new Cluster(members);
        cluster.Elect(1);

        cluster.Propose("a");
        cluster.Propose("b");

        Assert.All(cluster.Members, member => Assert.Equal(["a", "b"], member.Words));
    }

    private static Message Ask(Cluster cluster, ulong from, ulong term, EntryId? last = null)
    {
        var asked = cluster.Sent.Count;
        cluster[1].Module.Receive(VoteRequest(from, to: 1, new Term(term), last ?? EntryId.Zero));
        cluster.Settle();
        return cluster.Sent.Skip(asked).Single(message => message.Kind == MessageKind.VoteResponse);
    }

    private static Message VoteRequest(ulong from, ulong to, Term term, EntryId last) =>
        new() { Kind = MessageKind.VoteRequest, From = Cluster.Id(from), To = Cluster.Id(to), Term = term, Log = last };
}
