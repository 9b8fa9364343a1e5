using System.Runtime.InteropServices;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.WatchCreateRequest.Types;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>Watchers that are behind read up on the past together, and none of them at the cost of another.</summary>
public sealed class CatchUpTests
{
    private const int Changes = 400;
    private const int Streams = 40;

    [Fact]
    public void The_past_is_read_once_however_many_streams_want_it()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 30 });
        world.PutMany("a", Changes);
        var clients = Enumerable.Range(0, Streams).Select(_ => world.Open("a", start: 2)).ToList();
        world.CatchUp(clients);
        foreach (var client in clients) Assert.Equal(Revisions(2, Changes), client.Revisions);
        Assert.Equal(0, world.Hub.WatchersBehind);
        Assert.InRange(world.Disk.ChangesWalked, Changes, Changes + (Changes / 10));
    }

    [Fact]
    public void The_past_is_read_hardly_more_than_once_wherever_the_streams_begin()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 7 });
        world.PutMany("a", Changes);
        var starts = Enumerable.Range(0, Streams).Select(number => 2 + (number * Changes / Streams));
        var clients = starts.Select(start => world.Open("nobody writes it", start)).ToList();
        world.CatchUp(clients);
        Assert.Equal(0, world.Hub.WatchersBehind);

        // Every other piece is for whoever waited longest, wherever that is.
        Assert.InRange(world.Disk.ChangesWalked, Changes, 3 * Changes);
    }

    [Fact]
    public void An_event_is_encoded_once_for_all_who_want_the_same()
    {
        using var world = new WatchWorld();
        world.PutMany("a", 2);
        var withPrevious = world.Open(new() { Key = Bytes("a"), StartRevision = 2, PrevKv = true });
        var clients = new[] { world.Open("a", 2), world.Open("a", 3), withPrevious };
        world.CatchUp(clients);
        var fields = clients.Select(client => MemoryMarshal.TryGetArray(client.Answers[^1].Events[^1], out var bytes) ? bytes.Array : null).ToList();
        Assert.Same(fields[0], fields[1]);
        Assert.NotSame(fields[0], fields[2]);
    }

    [Fact]
    public void Each_is_told_of_its_keys_from_its_revision_on_with_what_it_asks_for()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 2 });
        world.PutMany("a", 3);
        world.Delete("a");
        world.PutMany("b", 1);
        world.PutMany("a", 1);
        var all = world.Open(new() { Key = Bytes("a"), RangeEnd = Bytes("c"), StartRevision = 1, PrevKv = true });
        var puts = world.Open(new() { Key = Bytes("a"), StartRevision = 4, Filters = { FilterType.Nodelete } });
        var deletes = world.Open(new() { Key = Bytes("a"), RangeEnd = Bytes("\0"), StartRevision = 2, Filters = { FilterType.Noput } });
        world.CatchUp(all, puts, deletes);
        Assert.Equal(["2", "3", "4", "", "6", "7"], all.Events.Select(change => change.Kv.Value.ToStringUtf8()));
        Assert.Equal(["", "2", "3", "4", "", ""], all.Events.Select(change => change.PrevKv?.Value.ToStringUtf8() ?? ""));
        Assert.Equal(["4", "7"], puts.Events.Select(change => change.Kv.Value.ToStringUtf8()));
        Assert.Equal((5, Event.Types.EventType.Delete), (Assert.Single(deletes.Events).Kv.ModRevision, deletes.Events[0].Type));
    }

    [Fact]
    public void A_client_that_takes_nothing_holds_up_no_other_and_goes_on_where_it_was()
    {
        using var world = new WatchWorld(new() { StreamBytesMax = 500, CatchUpChanges = 10 });
        world.PutMany("a", Changes);
        var (slow, fast) = (world.Open("a", 2), world.Open("a", 2));
        world.CatchUp(fast);
        Assert.Equal(Revisions(2, Changes), fast.Revisions);
        Assert.Equal(1, world.Hub.WatchersBehind);

        // What it has not taken is not read in vain either.
        var walked = world.Disk.ChangesWalked;
        Assert.False(world.Hub.CatchUp());
        Assert.InRange(world.Hub.QueuedBytes, 500, 1000);
        Assert.Equal(walked, world.Disk.ChangesWalked);

        world.PutMany("a", 1);
        world.CatchUp(slow, fast);
        Assert.Equal(Revisions(2, Changes + 1), slow.Revisions);
        Assert.Equal(Revisions(2, Changes + 1), fast.Revisions);
    }

    [Fact]
    public void A_watcher_near_the_present_does_not_wait_for_one_that_begins_far_back()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 10 });
        world.PutMany("a", Changes);
        _ = world.Open("nobody writes it", start: 2);
        var near = world.Open("a", start: Changes - 1);
        for (var pieces = 0; pieces < 4; pieces++) Assert.True(world.Hub.CatchUp());
        near.TakeIfWoken();
        Assert.Equal(Revisions(Changes - 1, 3), near.Revisions);
        Assert.Equal(1, world.Hub.WatchersBehind);
    }

    [Fact]
    public void Whoever_is_on_the_way_arrives_though_others_keep_beginning_at_the_start()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 10 });
        world.PutMany("a", Changes);
        var first = world.Open("a", start: 2);
        var pieces = 0;
        for (; first.Events.Count < Changes && pieces < 10_000; pieces++)
        {
            _ = world.Open("nobody writes it", start: 2);
            Assert.True(world.Hub.CatchUp());
            first.TakeIfWoken();
        }
        Assert.InRange(pieces, Changes / 10, Changes / 4);
    }

    [Fact]
    public void What_is_compacted_meanwhile_ends_those_who_need_it_and_no_other()
    {
        using var world = new WatchWorld(new() { StreamBytesMax = 500, CatchUpChanges = 10 });
        world.PutMany("a", Changes);
        var (slow, late) = (world.Open("a", 2), world.Open("a", start: 300));
        Assert.True(world.Hub.CatchUp());
        Assert.True(world.Hub.CatchUp());
        world.Compact(200);
        world.CatchUp(slow, late);
        var ended = Assert.Single(slow.Answers, answer => answer.IsCanceled);
        Assert.Same(slow.Answers[^1], ended);
        Assert.Equal(200, ended.CompactRevision);
        Assert.Equal(Revisions(2, slow.Events.Count), slow.Revisions);
        Assert.InRange(slow.Events.Count, 1, 197);
        Assert.Equal(Revisions(300, Changes - 298), late.Revisions);
        Assert.Equal(1, world.Hub.Watchers);
    }

    [Fact]
    public void A_client_that_asked_how_far_it_is_is_woken_once_it_has_caught_up()
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 1 });
        world.PutMany("a", 5);
        var client = world.Open("nobody writes it", start: 2);
        client.Channel.RequestProgress();
        client.TakeIfWoken();
        Assert.Single(client.Answers);
        world.CatchUp(client);
        Assert.Equal((WatchAnswer.NoWatch, 6), (client.Answers[^1].WatchId, client.Answers[^1].Revision));
    }

    [Fact]
    public void A_past_that_is_damaged_ends_the_streams_that_want_it_and_no_other()
    {
        using var world = new WatchWorld();
        world.PutMany("a", 3);
        world.Damage(KeyLayout.ChangeKey(new(3, 0)), [0xFF]);
        var (present, past) = (world.Open("a", 0), world.Open("a", 2));
        world.CatchUp(present);
        Assert.Throws<InvalidDataException>(past.TakeIfWoken);
        past.Channel.Dispose();
        world.PutMany("a", 1);
        world.CatchUp(present);
        Assert.Equal([5], present.Revisions);
    }

    /// <summary>The story: of a key with a long history each change took some twenty lookups, because only the next one knows what it put.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void A_long_history_of_a_key_takes_hardly_a_lookup_a_change(int keys)
    {
        using var world = new WatchWorld(new() { CatchUpChanges = 10 });
        for (var round = 0; round < Changes / keys; round++)
            for (var key = 0; key < keys; key++) world.PutMany($"a{key}", 1);
        var client = world.Open(new() { Key = Bytes("a"), RangeEnd = Bytes("b"), StartRevision = 2, PrevKv = true });
        world.CatchUp(client);
        Assert.Equal(Revisions(2, Changes), client.Revisions);
        Assert.All(client.Events, change => Assert.Equal($"{change.Kv.ModRevision}", change.Kv.Value.ToStringUtf8()));
        Assert.All(client.Events.Skip(keys), change => Assert.Equal($"{change.Kv.ModRevision - keys}", change.PrevKv.Value.ToStringUtf8()));
        Assert.InRange(world.Disk.ChangesLookedUp, 0, Changes / 10);
        Assert.InRange(world.Disk.ChangesWalked, Changes, 4 * Changes);
    }

    private static IEnumerable<long> Revisions(long first, int count) => Enumerable.Range(0, count).Select(at => first + at);
}
