using Raft.KeyValue.Watching;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>No client can take more than its part, however it behaves.</summary>
public sealed class WatchLimitsTests
{
    private const int ValueBytes = 10_000;
    private const int Puts = 100;

    private readonly TestStore _store = new();

    [Fact]
    public void A_stream_has_no_more_watches_than_it_may_have_and_another_stream_is_not_hindered()
    {
        var hub = new WatchHub(_store.Store, new WatchLimits { StreamWatchersMax = 2 });
        using var greedy = hub.OpenChannel(() => { });
        using var other = hub.OpenChannel(() => { });
        for (var count = 0; count < 3; count++) greedy.Create(new() { Key = Bytes("a") });
        other.Create(new() { Key = Bytes("a") });
        Assert.Equal(["", "", "etcdserver: too many requests"], Take(greedy).Select(answer => answer.CancelReason));
        Assert.Equal([""], Take(other).Select(answer => answer.CancelReason));

        greedy.Cancel(0);
        greedy.Create(new() { Key = Bytes("a") });
        Assert.Equal([true, false], Take(greedy).Select(answer => answer.IsCanceled));
        Assert.Equal(3, hub.Watchers);
    }

    [Fact]
    public void What_is_watched_takes_a_bounded_room_whatever_its_length()
    {
        var hub = new WatchHub(_store.Store, new WatchLimits { WatchedBytesMax = 1000 });
        using var channel = hub.OpenChannel(() => { });
        channel.Create(new() { Key = Bytes(new string('a', 400)), RangeEnd = Bytes(new string('b', 400)) });
        channel.Create(new() { Key = Bytes(new string('a', 400)) });
        channel.Create(new() { Key = Bytes("a") });
        Assert.Equal(["", "etcdserver: too many requests", ""], Take(channel).Select(answer => answer.CancelReason));
        Assert.Equal(2, hub.Watchers);

        channel.Cancel(0);
        channel.Create(new() { Key = Bytes(new string('a', 400)) });
        Assert.Equal([true, false], Take(channel).Select(answer => answer.IsCanceled));
    }

    [Fact]
    public void Streams_that_nobody_reads_share_a_bounded_room_and_whoever_reads_gets_everything()
    {
        for (var count = 0; count < Puts; count++) _store.Put("a", new string('x', ValueBytes));
        const int Streams = 20;
        var limits = new WatchLimits { QueuedBytesMax = 2 * Puts * ValueBytes, ScarceStreamBytesMax = 2 * ValueBytes };
        var hub = new WatchHub(_store.Store, limits);
        var unread = Enumerable.Range(0, Streams).Select(_ => hub.OpenChannel(() => { })).ToList();
        foreach (var stream in unread)
        {
            stream.Create(new() { Key = Bytes("a"), StartRevision = 1 });
            while (hub.CatchUp())
            {
            }
        }

        // Up to the bound each may have all; then each has as much as always may wait, and what finishes it.
        Assert.InRange(hub.QueuedBytes, limits.QueuedBytesMax, limits.QueuedBytesMax + (2 * Puts * ValueBytes) + (Streams * 4 * ValueBytes));

        using var reader = hub.OpenChannel(() => { });
        reader.Create(new() { Key = Bytes("a"), StartRevision = 1 });
        var events = 0;
        do
        {
            events += Take(reader).Sum(answer => answer.Events.Count);
        }
        while (hub.CatchUp());
        Assert.Equal(Puts, events);

        Assert.Equal(Puts, unread.Take(1).Sum(stream => Take(stream).Sum(answer => answer.Events.Count)));
        unread.ForEach(stream => stream.Dispose());
        Assert.Equal(0, hub.QueuedBytes);
    }

    [Fact]
    public void An_answer_counts_until_the_next_one_is_asked_for()
    {
        _store.Put("a", new string('x', ValueBytes));
        var hub = new WatchHub(_store.Store, new WatchLimits());
        using var stream = hub.OpenChannel(() => { });
        stream.Create(new() { Key = Bytes("a"), StartRevision = 1 });
        Assert.True(hub.CatchUp());
        Assert.True(stream.TryTake(out var created) && created.IsCreated);
        Assert.True(stream.TryTake(out _));
        Assert.InRange(hub.QueuedBytes, ValueBytes, 2 * ValueBytes);
        Assert.False(stream.TryTake(out _));
        Assert.Equal(0, hub.QueuedBytes);
    }

    private static List<WatchAnswer> Take(WatchChannel stream)
    {
        var answers = new List<WatchAnswer>();
        while (stream.TryTake(out var answer)) answers.Add(answer);
        return answers;
    }
}
