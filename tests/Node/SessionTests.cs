using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

/// <summary>A request that is sent again takes effect once, whoever leads and whatever was lost on the way.</summary>
public sealed class SessionTests
{
    [Fact]
    public void A_retry_at_the_next_leader_gets_the_first_answer()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Leader);
        cluster.Network.Loses = message => message.Kind == MessageKind.AppendResponse;
        var unanswered = Put(cluster[1], session, 1, "first");
        cluster.Settle();
        Assert.False(unanswered.IsCompleted);

        cluster.Network.Loses = static _ => false;
        cluster.Network.CutOff(cluster[1].Id);
        cluster.TickUntil(() => cluster.Up.Any(member => member != cluster[1] && member.Status.IsLeader));
        var next = cluster.Leader;
        Assert.Equal(2, Revision(cluster.Do(Put(next, session, 1, "first"))));
        Assert.Equal(2, next.Node.Store.Revision);
        cluster.Network.Heal();
        cluster.AssertSameState();
    }

    [Fact]
    public void A_retry_at_a_leader_that_came_from_a_snapshot_gets_the_first_answer()
    {
        var cluster = new TestCluster(
            settings: static options => options with { SnapshotEntries = 10, CatchUpEntries = 5, LagFactorMax = 2 }).Elected();
        var log = cluster[3].Crash();
        var session = Open(cluster, cluster.Leader);
        var first = cluster.Do(Put(cluster.Leader, session, 1, "first"));
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        cluster.Tick(25);
        cluster[3].Start(log);
        cluster.TickUntil(() => cluster[3].Status.Consensus.Applied == cluster.Leader.Status.Consensus.Applied);
        Assert.Equal(1, cluster[3].Status.Counters.SnapshotsInstalled);
        _ = cluster.Leader.Node.MoveLeaderAsync(cluster[3].Id);
        cluster.TickUntil(() => cluster[3].Status.IsLeader);

        var revision = cluster[3].Node.Store.Revision;
        Assert.Equal(first, cluster.Do(Put(cluster[3], session, 1, "first")));
        Assert.Equal(revision, cluster[3].Node.Store.Revision);
        cluster.AssertSameState();
    }

    [Fact]
    public void Attempts_at_the_same_time_and_at_several_members_take_effect_once()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Leader);
        var attempts = cluster.Up.Concat(cluster.Up).Select(member => Put(member, session, 1, "first")).ToList();
        cluster.Settle();
        Assert.All(attempts, attempt => Assert.Equal(2, Revision(cluster.Do(attempt))));
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_follower_opens_holds_and_closes_sessions_as_the_leader_does()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Follower);
        cluster.Do(Put(cluster.Follower, session, 1, "first"));
        var held = cluster.Do(cluster.Follower.Node.ProposeAsync(new Command { KeepAliveSession = new() { Session = session } }));
        Assert.Equal(60_000, Assert.IsType<KeepAliveSessionResponse>(held.Response).TtlMs);
        cluster.Do(cluster.Follower.Node.ProposeAsync(new Command { CloseSession = new() { Session = session } }));

        var late = Put(cluster.Follower, session, 1, "first");
        cluster.Settle();
        Assert.Equal(StoreError.SessionNotFound, Assert.IsType<CommandRefusedException>(late.Exception?.InnerException).Error);
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
    }

    [Fact]
    public void A_write_whose_answer_was_lost_on_the_way_to_the_follower_may_be_sent_again()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Leader);
        cluster.Network.LosesForwardedAnswers = true;
        Assert.False(cluster.Refused(Put(cluster.Follower, session, 1, "first")).SurelyNotDone);
        cluster.Network.LosesForwardedAnswers = false;
        Assert.Equal(2, Revision(cluster.Do(Put(cluster.Follower, session, 1, "first"))));
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
    }

    [Fact]
    public void A_session_outlives_the_restart_of_all_members_with_its_answers()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Leader);
        cluster.Do(Put(cluster.Leader, session, 1, "first"));
        foreach (var member in cluster.Up.ToList())
        {
            member.Restart();
        }

        cluster.TickUntil(() => cluster.Up.Any(member => member.Status.IsLeader));
        Assert.Equal(2, Revision(cluster.Do(Put(cluster.Leader, session, 1, "first"))));
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_session_expires_on_all_members_at_the_same_place_in_the_log()
    {
        var cluster = new TestCluster().Elected();
        var session = Open(cluster, cluster.Leader);
        cluster.Do(Put(cluster.Leader, session, 1, "first"));
        cluster.Tick(601);
        var late = cluster.Do(Put(cluster.Leader, session, 1, "first"));
        Assert.Equal(StoreError.SessionNotFound, late.Error);
        Assert.Equal(2, cluster.Leader.Node.Store.Revision);
        cluster.AssertSameState();
    }

    private static ulong Open(TestCluster cluster, TestMember member)
    {
        var result = cluster.Do(member.Node.ProposeAsync(new Command { OpenSession = new OpenSessionRequest { TtlMs = 60_000 } }));
        return Assert.IsType<OpenSessionResponse>(result.Response).Session;
    }

    private static Task<CommandResult> Put(TestMember member, ulong session, ulong sequence, string value) => member.Node.ProposeAsync(
        new Command
        {
            Put = new PutRequest { Key = ByteString.CopyFromUtf8("a"), Value = ByteString.CopyFromUtf8(value) },
            Session = new SessionStamp { Session = session, Sequence = sequence },
        });

    private static long Revision(CommandResult result) => Assert.IsType<PutResponse>(result.Response).Header.Revision;
}
