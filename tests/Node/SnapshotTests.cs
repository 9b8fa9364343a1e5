using Raft.Consensus;
using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

public sealed class SnapshotTests
{
    private static TestCluster Small() =>
        new TestCluster(settings: options => options with { SnapshotEntries = 10, CatchUpEntries = 5, LagFactorMax = 2 }).Elected();

    [Fact]
    public void The_log_stays_short_and_is_only_forgotten_after_a_flush()
    {
        var cluster = Small();
        for (var i = 0; i < 100; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        Assert.All(cluster.Up, member =>
        {
            var status = member.Status.Consensus;
            Assert.InRange(status.Last.Index.Value - status.Base.Index.Value, 5ul, 16ul);
            Assert.Equal(member.Log.Base, status.Base);
            Assert.True(member.Status.Counters.Compactions > 0);
        });
    }

    [Fact]
    public void A_member_that_was_away_for_long_gets_a_snapshot_and_then_follows()
    {
        var cluster = Small();
        var log = cluster[3].Crash();
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        cluster.Tick(25);
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"l{i}", "v"));
        }

        cluster[3].Start(log);
        cluster.TickUntil(() => cluster[3].Status.Consensus.Applied == cluster.Leader.Status.Consensus.Applied);
        Assert.Equal(1, cluster[3].Status.Counters.SnapshotsInstalled);
        cluster.AssertSameState();
        cluster.Do(cluster.Leader.Put("after", "v"));
        cluster.AssertSameState();
    }

    [Fact]
    public void A_crash_after_the_snapshot_was_installed_and_before_the_log_began_anew_is_no_loss()
    {
        var cluster = Small();
        var log = cluster[3].Crash();
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        cluster.Tick(25);
        for (var i = 0; i < 50; i++)
        {
            cluster.Do(cluster.Leader.Put($"l{i}", "v"));
        }

        cluster[3].Start(log);
        cluster[3].Log.IsHeld = true;
        cluster.TickUntil(() => cluster[3].Status.Counters.SnapshotsInstalled == 1);
        cluster[3].Restart();
        cluster.TickUntil(() => cluster[3].Status.Consensus.Applied == cluster.Leader.Status.Consensus.Applied);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_follower_that_answers_but_lags_keeps_what_it_needs_in_the_log()
    {
        var cluster = Small();
        cluster.Network.Loses = message => message.To == cluster[3].Id && message.Kind == MessageKind.AppendRequest;
        for (var i = 0; i < 14; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", "v"));
        }

        cluster.Network.Loses = static _ => false;
        cluster.TickUntil(() => cluster[3].Status.Consensus.Applied == cluster.Leader.Status.Consensus.Applied);
        Assert.Equal(0, cluster[3].Status.Counters.SnapshotsInstalled);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_backup_is_a_copy_of_the_moment_and_leaves_nothing_behind()
    {
        var cluster = Small();
        cluster.Do(cluster.Leader.Put("a", "1"));
        var snapshot = (MemoryState.Snapshot)cluster.Do(cluster.Leader.Node.TakeSnapshotAsync());
        cluster.Do(cluster.Leader.Put("a", "2"));
        using var view = new KeyValue.KeyValueStore(snapshot.Content).OpenView();
        Assert.Equal(2, view.Revision);
    }

    [Theory]
    [InlineData("a tail is kept for those that were away shortly", 100, null, 95)]
    [InlineData("one that has everything changes nothing", 100, 100, 95)]
    [InlineData("one that lags keeps what it needs", 100, 88, 88)]
    [InlineData("one that lags too far does not", 100, 20, 80)]
    [InlineData("what is not flushed is not forgotten", 50, null, 45)]
    public void The_policy_keeps(string what, int flushed, int? needed, int forgotten)
    {
        var policy = new LogCompactionPolicy(Options(snapshotEntries: 10, catchUpEntries: 5, lagFactorMax: 2));
        for (var i = 1; i <= 100; i++)
        {
            policy.Applied([Entry(i, bytes: 1)]);
        }

        var upTo = policy.ForgetUpTo(Index(flushed), needed is { } index ? Index(index) : null);
        Assert.True(Index(forgotten) == upTo, $"{what}: {upTo}");
    }

    [Fact]
    public void The_policy_counts_bytes_too()
    {
        var policy = new LogCompactionPolicy(Options(snapshotEntries: 1000, catchUpEntries: 500, lagFactorMax: 2) with { SnapshotBytes = 100 });
        for (var i = 1; i <= 9; i++)
        {
            policy.Applied([Entry(i, bytes: 10)]);
            Assert.False(policy.IsDue);
        }

        policy.Applied([Entry(10, bytes: 10)]);
        Assert.True(policy.IsDue);
        policy.FlushBegins();
        Assert.False(policy.IsDue);
        Assert.Equal(Index(5), policy.ForgetUpTo(Index(10), needed: null));
        Assert.Equal(Index(2), policy.ForgetUpTo(Index(10), needed: Index(2)));
    }

    private static LogIndex Index(int value) => new((ulong)value);

    private static LogEntry Entry(int index, int bytes) =>
        new(new EntryId(new Term(1), Index(index)), EntryKind.Command, new byte[bytes]);

    private static NodeOptions Options(int snapshotEntries, int catchUpEntries, int lagFactorMax) => new()
    {
        ClusterId = 1,
        Consensus = new ConsensusOptions { Id = new MemberId(1), Random = static _ => 0 },
        NewMemberId = static () => 9,
        SnapshotEntries = snapshotEntries,
        CatchUpEntries = catchUpEntries,
        LagFactorMax = lagFactorMax,
    };
}
