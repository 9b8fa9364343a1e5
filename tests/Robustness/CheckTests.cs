using Google.Protobuf;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Checks;

namespace Raft.Robustness.Tests;

/// <summary>What watchers and lease holders are held to: each broken promise is found, and what is right passes.</summary>
public sealed class CheckTests
{
    private const long Second = 1_000_000;

    private readonly List<string> _broken = [];
    private readonly LeaseBook _leases;

    /// <summary>Revisions 11 to 14: two puts of a key, its end, and a write of unknown outcome.</summary>
    private readonly List<Operation> _history =
    [
        Operation.Answered(0, 0, 1, Request.Put("a", "1"), Response.Put(11)),
        Operation.Answered(0, 2, 3, Request.Put("a", "2"), Response.Put(12)),
        Operation.Answered(0, 4, 5, Request.Delete("a"), Response.Deleted(true, 13)),
        new Operation(0, 6, Request.Put("b", "3")),
    ];

    public CheckTests() => _leases = new LeaseBook(_broken.Add);

    [Fact]
    public void All_told_once_and_in_order_holds_whatever_the_breaks()
    {
        Assert.Null(Check([[Put("a", "1", 11)], [Put("a", "2", 12, 11, 2), Delete("a", 13)], [Put("b", "3", 14)]], [[.. AllEvents()]]));
        Assert.Null(Check([[.. AllEvents().Skip(2)]], [[.. AllEvents()]], skipTo: 13));
    }

    [Fact]
    public void A_change_that_a_resumed_watch_missed_is_found() =>
        Assert.Contains("was told of revision 12: ;", Check([[Put("a", "1", 11)], [Delete("a", 13)], [Put("b", "3", 14)]], [[.. AllEvents()]]), StringComparison.Ordinal);

    [Fact]
    public void A_change_that_no_watcher_was_told_of_is_found() =>
        Assert.Contains("was told of revision 12: ;", Check([[Put("a", "1", 11), Delete("a", 13), Put("b", "3", 14)]]), StringComparison.Ordinal);

    [Fact]
    public void A_change_that_is_told_again_or_late_is_found()
    {
        var record = new WatchRecord("watcher", 11);
        Assert.Null(record.Take([Put("a", "1", 11), Put("a", "2", 12, 11, 2)]));
        Assert.Contains("when all before 13 had been told", record.Take([Put("a", "2", 12, 11, 2)]), StringComparison.Ordinal);
        Assert.Contains("only what is before 13", record.SkipTo(13), StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_that_are_not_those_of_the_history_are_found()
    {
        Assert.Contains("but it was", Check([[Put("a", "other", 11), .. AllEvents().Skip(1)]]), StringComparison.Ordinal);
        Assert.Contains("nobody asked for", Check([[.. AllEvents().Take(3), Put("b", "other", 14)]]), StringComparison.Ordinal);
        Assert.Contains("was told after", Check([[Put("a", "1", 11), Put("a", "2", 12, 11, 3), .. AllEvents().Skip(2)]]), StringComparison.Ordinal);
        var replaced = Put("a", "2", 12, 11, 2);
        replaced.PrevKv = Put("a", "other", 11).Kv;
        Assert.Contains("was told to have replaced", Check([[Put("a", "1", 11), replaced, .. AllEvents().Skip(2)]]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_gone_while_its_lease_is_kept_alive_is_found()
    {
        _leases.IsPromised(7, asked: 0, ttlSeconds: 3);
        _leases.IsGone(7, now: 3 * Second);
        Assert.Empty(_broken);
        _leases.IsPromised(8, asked: 0, ttlSeconds: 3);
        _leases.AreTold([Delete(LeaseBook.KeyOf(8, 0), 11)], now: 2 * Second);
        Assert.Single(_broken);

        // The answer to the renewal comes after the news.
        _leases.AreTold([Delete(LeaseBook.KeyOf(9, 0), 12)], now: 2 * Second);
        _leases.IsPromised(9, asked: Second, ttlSeconds: 3);
        Assert.Equal(2, _broken.Count);
    }

    [Fact]
    public void What_is_under_a_revoked_lease_is_found()
    {
        var key = LeaseBook.KeyOf(7, 0);
        _leases.Puts(7, key, "1");
        _leases.MayEnd(7);
        _leases.IsRevoked(7, 12);
        Assert.True(_leases.Explains(Put(key, "1", 11, lease: 7)));
        Assert.True(_leases.Explains(Delete(key, 12)));
        Assert.False(_leases.Explains(Put(key, "1", 13, lease: 7)));
        Assert.False(_leases.Explains(Put(key, "2", 11, lease: 7)));
        Assert.Null(LeaseBook.AllAreGone([Put(key, "1", 11, lease: 7), Delete(key, 12)]));
        Assert.NotNull(LeaseBook.AllAreGone([Delete(key, 12), Put(key, "1", 13, lease: 7)]));
    }

    [Fact]
    public void Revisions_of_leases_have_their_writes_and_others_do_not()
    {
        var record = new WatchRecord("watcher", 11);
        record.Take([.. AllEvents(), Put(LeaseBook.KeyOf(7, 0), "1", 15, lease: 7), Delete(LeaseBook.KeyOf(7, 0), 16)]);
        var read = Operation.Answered(1, 7, 8, Request.Get("b"), Response.Got(new Observation("3", 1, 14), 16));
        List<Operation> history = [.. _history, read];
        var ofLeases = new WatchChecker([record], 10, 16).OfLeases(history).ToList();
        Assert.Equal([15L, 16L], ofLeases.Select(operation => operation.Response!.Revision));
        Assert.IsType<Verdict.Holds>(RevisionChecker.Check([.. history, .. ofLeases], 10));
        Assert.IsType<Verdict.Broken>(RevisionChecker.Check(history, 10));
    }

    private string? Check(Event[][] messages, Event[][]? others = null, long skipTo = 0)
    {
        var records = new[] { messages, others ?? messages }.Select((told, number) =>
        {
            var record = new WatchRecord($"watcher {number}", 11);
            if (number == 0 && skipTo > 0)
                Assert.Null(record.SkipTo(skipTo));
            Assert.All(told, events => Assert.Null(record.Take(events)));
            return record;
        });
        return new WatchChecker([.. records], 10, 14).Check(_history, _leases);
    }

    private static IEnumerable<Event> AllEvents() => [Put("a", "1", 11), Put("a", "2", 12, 11, 2), Delete("a", 13), Put("b", "3", 14)];

    private static Event Put(string key, string value, long revision, long created = 0, long version = 1, long lease = 0) => new()
    {
        Kv = new() { Key = Bytes(key), Value = Bytes(value), ModRevision = revision, CreateRevision = created == 0 ? revision : created, Version = version, Lease = lease },
    };

    private static Event Delete(string key, long revision) => new() { Type = Event.Types.EventType.Delete, Kv = new() { Key = Bytes(key), ModRevision = revision } };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
