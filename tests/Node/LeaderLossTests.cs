using Raft.Consensus;
using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

public sealed class LeaderLossTests
{
    [Fact]
    public void A_write_of_a_leader_that_was_cut_off_is_refused_as_surely_not_done_once_another_took_its_place()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.CutOff(cluster[1].Id);
        var lost = cluster[1].Put("a", "lost");
        cluster.TickUntil(() => cluster.Up.Any(member => member != cluster[1] && member.Status.IsLeader));
        cluster.Do(cluster.Leader.Put("a", "kept"));
        Assert.False(lost.IsCompleted);
        cluster.Network.Heal();
        cluster.TickUntil(() => lost.IsCompleted);
        var refused = cluster.Refused(lost);
        Assert.Equal(NodeError.LeaderChanged, refused.Error);
        Assert.True(refused.SurelyNotDone);
        cluster.AssertSameState();
        Assert.Equal("kept", cluster[1].Get("a"));
    }

    [Fact]
    public void A_write_that_a_snapshot_stepped_over_is_not_refused_as_surely_not_done()
    {
        var cluster = new TestCluster(settings: options => options with { SnapshotEntries = 10, CatchUpEntries = 5, LagFactorMax = 2 }).Elected();
        var old = cluster[1];

        // The others hold the entry and commit it; the old leader learns of it only as a part of their state.
        cluster.Network.Loses = message => message is { Kind: MessageKind.AppendResponse, Reject: false } && message.To == old.Id;
        var open = old.Put("a", "1");
        cluster.Settle();
        cluster.Network.CutOff(old.Id);
        cluster.Network.Loses = static _ => false;
        cluster.TickUntil(() => cluster.Up.Any(member => member != old && member.Status.IsLeader));
        cluster.Tick(21);
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        Assert.False(open.IsCompleted);
        cluster.Network.Heal();
        cluster.TickUntil(() => open.IsCompleted);
        Assert.Equal(1, old.Status.Counters.SnapshotsInstalled);
        var refused = cluster.Refused(open);
        Assert.Equal(NodeError.LeaderFailed, refused.Error);
        Assert.False(refused.SurelyNotDone);
        cluster.AssertSameState();
        Assert.Equal("1", old.Get("a"));
    }

    [Fact]
    public void A_write_that_stays_undecided_is_given_up_as_unknown()
    {
        var cluster = new TestCluster().Elected();
        cluster.Network.CutOff(cluster[1].Id);
        var undecided = cluster[1].Put("a", "1");
        cluster.Tick(71);
        var refused = cluster.Refused(undecided);
        Assert.Equal(NodeError.Timeout, refused.Error);
        Assert.False(refused.SurelyNotDone);
        Assert.Equal(0, cluster[1].Status.PendingProposals);
    }

    [Fact]
    public void A_write_that_the_next_leader_commits_is_acknowledged_by_the_old_one()
    {
        var cluster = new TestCluster().Elected();
        var old = cluster[1];
        cluster.Network.Loses = message => message.Kind == MessageKind.AppendResponse;
        var answer = old.Put("a", "1");
        cluster.Settle();
        Assert.False(answer.IsCompleted);
        cluster.Network.Loses = static _ => false;
        cluster.Network.CutOff(old.Id);
        cluster.TickUntil(() => cluster.Up.Any(member => member != old && member.Status.IsLeader));
        cluster.Network.Heal();
        cluster.TickUntil(() => answer.IsCompleted);
        Assert.True(answer.IsCompletedSuccessfully);
        cluster.AssertSameState();
    }

    [Fact]
    public void An_entry_that_lost_its_place_in_one_log_may_still_be_committed_from_another()
    {
        // Raft paper, figure 8: what this member replaced, another may still hold, lead with and commit.
        var queue = new ProposalQueue();
        var options = Options();
        var admission = new Admission(10, 1000);
        var older = new PendingRequest(options.AnswerOptions, admission, deadline: 1, bytes: 0);
        var newer = new PendingRequest(options.AnswerOptions, admission, deadline: 2, bytes: 0);
        queue.Appended(older, new EntryId(new Term(1), new LogIndex(5)));
        queue.Appended(newer, new EntryId(new Term(3), new LogIndex(5)));
        Assert.False(older.IsAnswered);

        Assert.Same(older, queue.Take(new EntryId(new Term(1), new LogIndex(5))));
        Assert.False(older.IsAnswered);
        var refused = Assert.IsType<RequestRefusedException>(newer.Answer.Exception?.InnerException);
        Assert.True(refused.SurelyNotDone);
    }

    [Fact]
    public void Many_slow_requests_do_not_hold_the_place_of_those_that_were_answered()
    {
        var deadlines = new Deadlines();
        var admission = new Admission(requestsMax: 2, bytesMax: 1000);
        var slow = new PendingRequest(Options().AnswerOptions, admission, deadline: 10, bytes: 0);
        Assert.True(admission.TryEnter(0));
        deadlines.Add(slow);
        for (var i = 0; i < 1000; i++)
        {
            var quick = new PendingRequest(Options().AnswerOptions, admission, deadline: 10, bytes: 0);
            Assert.True(admission.TryEnter(0));
            deadlines.Add(quick);
            quick.Complete(default);
        }

        Assert.Equal(1, admission.Requests);
        deadlines.Pass(10, Term.Zero);
        Assert.True(slow.IsAnswered);
        Assert.Equal(1, deadlines.Expired);
        Assert.Equal(0, admission.Requests);
    }

    private static NodeOptions Options() => new()
    {
        ClusterId = 1,
        Consensus = new ConsensusOptions { Id = new MemberId(1), Random = static _ => 0 },
        NewMemberId = static () => 9,
        AnswersInline = true,
    };
}
