using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

public sealed class RestartTests
{
    [Fact]
    public void After_a_crash_between_apply_and_flush_the_log_is_applied_again_exactly_once()
    {
        var cluster = new TestCluster().Elected();
        for (var i = 0; i < 20; i++)
        {
            cluster.Do(cluster.Leader.Put("counter", $"{i}"));
        }

        cluster.Tick();
        var before = cluster[2].Fingerprint();
        cluster[2].Restart();
        Assert.Equal(1, cluster[2].Node.Store.Revision);
        cluster.AssertSameState();
        Assert.Equal(before, cluster[2].Fingerprint());
        Assert.Equal(21, cluster[2].Node.Store.Revision);
    }

    [Fact]
    public void When_all_lose_power_every_acknowledged_write_is_there_again()
    {
        var cluster = new TestCluster(settings: options => options with { SnapshotEntries = 7, CatchUpEntries = 3 }).Elected();
        for (var i = 0; i < 40; i++)
        {
            cluster.Do(cluster.Leader.Put($"k{i}", $"{i}"));
        }

        foreach (var member in cluster.Up.ToList())
        {
            member.Restart();
        }

        cluster.TickUntil(() => cluster.Up.Any(member => member.Status.IsLeader));
        cluster.AssertSameState();
        Assert.All(Enumerable.Range(0, 40), i => Assert.Equal($"{i}", cluster[2].Get($"k{i}")));
        Assert.Equal(41, cluster[2].Node.Store.Revision);
    }

    [Fact]
    public void What_was_applied_while_a_flush_was_under_way_is_not_forgotten_with_it()
    {
        var cluster = new TestCluster(members: 1, settings: options => options with { SnapshotEntries = 10, CatchUpEntries = 2 }).Elected();
        var flushes = cluster[1].State.Flushes;
        cluster[1].State.HoldsFlushes = true;
        for (var i = 0; i < 40; i++)
        {
            cluster.Do(cluster[1].Put($"k{i}", $"{i}"));
        }

        Assert.Equal(flushes + 1, cluster[1].State.Flushes);
        cluster[1].State.CompleteFlush();
        cluster.Settle();
        Assert.Equal(1, cluster[1].Status.Counters.Compactions);

        // The log is all that holds what came after that flush began: the next one is still under way.
        cluster[1].Restart();
        Assert.InRange(cluster[1].Node.Store.Revision, 10, 30);
        cluster.Elected();
        Assert.All(Enumerable.Range(0, 40), i => Assert.Equal($"{i}", cluster[1].Get($"k{i}")));
    }

    [Fact]
    public void A_single_member_needs_nobody_to_come_back()
    {
        var cluster = new TestCluster(members: 1).Elected();
        cluster.Do(cluster.Leader.Put("a", "1"));
        cluster[1].Restart();
        cluster.Elected();
        Assert.Equal("1", cluster[1].Get("a"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Crashes_held_disks_and_cuts_lose_and_repeat_nothing(int seed)
    {
        var random = new Random(seed);
        var cluster = new TestCluster(settings: options => options with { SnapshotEntries = 5, CatchUpEntries = 2, LagFactorMax = 2 });
        var answers = new Dictionary<string, Task>();
        var serial = 0;
        for (var step = 0; step < 400; step++)
        {
            var member = cluster[(ulong)random.Next(1, 4)];
            switch (random.Next(12))
            {
                case 0:
                    member.Restart();
                    break;
                case 1:
                    member.Log.IsHeld = !member.Log.IsHeld;
                    break;
                case 2:
                    cluster.Network.CutOff(member.Id);
                    break;
                case 3 or 4:
                    cluster.Network.Heal();
                    break;
                case 5 or 6 or 7:
                    cluster.Tick(random.Next(1, 12));
                    break;
                default:
                    var key = $"k{serial++}";
                    answers[key] = member.Put(key, key);
                    break;
            }

            if (random.Next(2) == 0)
            {
                cluster.Settle();
            }

            Assert.Null(member.Failure);
        }

        cluster.Network.Heal();
        foreach (var member in cluster.Up)
        {
            member.Log.IsHeld = false;
        }

        cluster.TickUntil(() => cluster.Up.Any(member => member.Status.IsLeader));
        cluster.Tick(80);
        cluster.AssertSameState();
        var present = answers.Keys.Where(key => cluster[1].Get(key) is not null).ToHashSet();
        Assert.All(answers.Where(answer => answer.Value.IsCompletedSuccessfully), answer => Assert.Contains(answer.Key, present));
        Assert.All(
            answers.Where(answer => answer.Value.Exception?.InnerException is RequestRefusedException { SurelyNotDone: true }),
            answer => Assert.DoesNotContain(answer.Key, present));
        Assert.Equal(present.Count + 1, cluster[1].Node.Store.Revision);
        Assert.Contains(answers.Values, answer => answer.IsCompletedSuccessfully);
    }
}
