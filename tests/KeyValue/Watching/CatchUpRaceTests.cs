using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>What happens while the past is read, between the two times that its reader looks at the hub.</summary>
public sealed class CatchUpRaceTests : IDisposable
{
    private readonly WatchWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_change_that_is_dispatched_while_the_past_is_read_is_told_once()
    {
        _world.PutMany("a", 1);
        var client = _world.Open("a", start: 1);

        // A view of the first put is read when the second is made, and passed on to those who are told as it happens.
        _world.Disk.BeforeCursor = () => _world.PutMany("a", 1);
        Assert.True(_world.Hub.CatchUp());
        Assert.Null(_world.Disk.BeforeCursor);

        _world.PutMany("a", 1);
        _world.CatchUp(client);
        Assert.Equal([2, 3, 4], client.Revisions);
    }

    [Fact]
    public void A_watch_that_begins_while_the_past_is_read_reads_it_too()
    {
        _world.PutMany("a", 3);
        var first = _world.Open("a", start: 2);
        WatchWorld.Client? second = null;
        _world.Disk.BeforeCursor = () => second = _world.Open("a", start: 2);
        Assert.True(_world.Hub.CatchUp());
        _world.CatchUp(first, second!);
        Assert.Equal([2, 3, 4], first.Revisions);
        Assert.Equal([2, 3, 4], second!.Revisions);
    }

    /// <summary>A client may have taken everything already when its watcher is put aside because the stream was full.</summary>
    [Fact]
    public void A_client_that_takes_everything_at_once_is_not_forgotten()
    {
        using var world = new WatchWorld(new() { StreamBytesMax = 100, CatchUpChanges = 10 });
        world.PutMany("a", 50);
        var told = 0;
        WatchChannel channel = null!;
        channel = world.Hub.OpenChannel(() =>
        {
            while (channel.TryTake(out var answer)) told += answer.Events.Count;
        });
        channel.Create(new WatchCreateRequest { Key = Bytes("a"), StartRevision = 2 });
        for (var pieces = 0; pieces < 200; pieces++) world.Hub.CatchUp();
        Assert.Equal(50, told);
    }

    [Fact]
    public void A_watch_that_is_canceled_while_the_past_is_read_is_told_nothing_more_and_the_others_all()
    {
        _world.PutMany("a", 3);
        var (canceled, gone, stays) = (_world.Open("a", 2), _world.Open("a", 2), _world.Open("a", 2));
        _world.Disk.BeforeCursor = () =>
        {
            canceled.Channel.Cancel(0);
            gone.Channel.Dispose();
        };
        _world.CatchUp(canceled, gone, stays);
        Assert.Null(_world.Disk.BeforeCursor);
        Assert.True(canceled.Answers[^1].IsCanceled);
        Assert.Empty(canceled.Events);
        Assert.Empty(gone.Events);
        Assert.Equal([2, 3, 4], stays.Revisions);
        Assert.Equal((1, 0, 0L), (_world.Hub.Watchers, _world.Hub.WatchersBehind, _world.Hub.QueuedBytes));
    }
}
