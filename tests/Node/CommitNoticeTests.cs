using Raft.Consensus;
using Raft.Node.Tests.World;

namespace Raft.Node.Tests;

/// <summary>Followers learn of a commit index at once, or, where writes follow one another closely, with the next of them.</summary>
public class CommitNoticeTests
{
    private readonly TestCluster _cluster = new TestCluster().Elected();

    [Fact]
    public void A_single_write_is_applied_everywhere_without_a_tick()
    {
        _cluster.Tick();
        _cluster.Do(_cluster.Leader.Put("a", "1"));
        Assert.All(_cluster.Up, member => Assert.Equal("1", member.Get("a")));
    }

    [Fact]
    public void Close_writes_take_no_message_for_the_commit_index()
    {
        _cluster.Tick();
        var lone = Messages(() => _cluster.Do(_cluster.Leader.Put("a", "1")));
        WriteClosely();
        var close = Messages(() => _cluster.Do(_cluster.Leader.Put("a", "2")));

        // To each follower: append and answer; by itself the notice takes another two.
        Assert.Equal(8, lone);
        Assert.Equal(4, close);
    }

    [Fact]
    public void After_two_polls_everybody_knows_the_last_of_them()
    {
        WriteClosely();
        _cluster.Do(_cluster.Leader.Put("a", "last"));
        Assert.True(_cluster.Leader.Node.WantsPolls);
        Assert.DoesNotContain(_cluster.Followers, member => member.Get("a") == "last");
        Poll();
        Poll();
        Assert.All(_cluster.Up, member => Assert.Equal("last", member.Get("a")));
    }

    [Fact]
    public void A_follower_for_whose_state_nobody_waits_answers_for_its_log_before_it_applies()
    {
        WriteClosely();
        var follower = _cluster.Follower;
        var seen = new List<string?>();
        _cluster.Network.OnSend = message =>
        {
            if (message.Kind == MessageKind.AppendResponse && message.From == follower.Id)
            {
                seen.Add(follower.Get("a"));
            }
        };
        _cluster.Do(_cluster.Leader.Put("a", "first"));
        _cluster.Do(_cluster.Leader.Put("a", "second"));
        Assert.DoesNotContain("first", seen);
        Assert.Equal("first", follower.Get("a"));
    }

    [Fact]
    public void A_follower_whose_writes_never_cease_applies_nevertheless()
    {
        _cluster.Network.CutOff(_cluster[3].Id);
        WriteClosely();
        var follower = _cluster[2];
        follower.Log.IsHeld = true;
        for (var i = 0; i < 20; i++)
        {
            // The next append is there before the one before it is on disk.
            _ = _cluster.Leader.Put("a", $"{i}");
            _cluster.Settle();
            if (i > 0)
            {
                follower.Log.SyncOldest();
                _cluster.Settle();
            }
        }

        var lag = _cluster.Leader.Status.Consensus.Applied.Value - follower.Status.Consensus.Applied.Value;
        Assert.InRange(lag, 0UL, 3UL);
    }

    [Fact]
    public void Whoever_writes_through_a_follower_does_not_wait_for_a_poll()
    {
        WriteClosely();
        _cluster.Do(_cluster.Follower.Put("a", "1"));
        Assert.Equal("1", _cluster.Follower.Get("a"));
    }

    [Fact]
    public void Nobody_polls_once_writes_are_rare_again()
    {
        WriteClosely();
        Assert.True(_cluster.Leader.Node.WantsPolls);
        _cluster.Tick(2);
        Assert.False(_cluster.Leader.Node.WantsPolls);
        Assert.All(_cluster.Up, member => Assert.Equal(_cluster.Leader.Status.Consensus.Commit, member.Status.Consensus.Applied));
    }

    private void WriteClosely()
    {
        for (var i = 0; i < 30; i++)
        {
            _cluster.Do(_cluster.Leader.Put("a", $"{i}"));
        }
    }

    private void Poll()
    {
        _cluster.Leader.Node.Poll();
        _cluster.Settle();
    }

    private int Messages(Action action)
    {
        var before = _cluster.Network.Sent.Values.Sum();
        action();
        return _cluster.Network.Sent.Values.Sum() - before;
    }
}
