using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.AlarmRequest.Types;

namespace Raft.KeyValue.Tests;

/// <summary>The content of a backup, as a new cluster begins with it.</summary>
public sealed class StartOverTests
{
    private readonly TestStore _store = new();

    public StartOverTests()
    {
        for (var round = 1; round <= 3; round++) _store.Put("a", $"{round}");
    }

    [Fact]
    public void A_bump_leaves_the_present_and_makes_the_past_unreadable()
    {
        StartOver(100);
        Assert.Equal((104, 104), (_store.Store.Revision, _store.Store.CompactedRevision));
        var pair = _store.Range("a").Kvs.Single();
        Assert.Equal(("3", 2, 4, 3), (pair.Value.ToStringUtf8(), pair.CreateRevision, pair.ModRevision, pair.Version));
        Assert.Equal(StoreError.Compacted, _store.TryRange(new RangeRequest { Key = Bytes("a"), Revision = 4 }).Error);
        Assert.Equal(StoreError.Compacted, _store.TryRange(new RangeRequest { Key = Bytes("a"), Revision = 103 }).Error);
        Assert.Equal(105, _store.Put("a", "4").Header.Revision);
        Assert.Equal("3", _store.Get("a", revision: 104));

        _store.CompactPhysically(10);
        Assert.Equal("3", _store.Get("a", revision: 104));
        _store.Compact(105);
        _store.CompactPhysically(10);
        Assert.Equal("4", _store.Get("a"));
    }

    [Fact]
    public void A_watch_from_before_the_bump_is_told_that_it_missed_something_and_one_from_after_it_goes_on()
    {
        StartOver(100);
        var hub = new WatchHub(_store.Store, new WatchLimits());
        using var stream = hub.OpenChannel(() => { });
        stream.Create(new() { Key = Bytes("a"), StartRevision = 60 });
        stream.Create(new() { Key = Bytes("a"), StartRevision = 105 });
        while (hub.CatchUp())
        {
        }

        var answers = new List<WatchAnswer>();
        while (stream.TryTake(out var answer)) answers.Add(answer);
        var ended = Assert.Single(answers, answer => answer.IsCanceled);
        Assert.Equal((0, 104), (ended.WatchId, ended.CompactRevision));
        Assert.Equal(1, hub.Watchers);
    }

    [Fact]
    public void Without_a_bump_nothing_of_the_data_changes()
    {
        _store.Compact(3);
        StartOver(0);
        Assert.Equal((4, 3), (_store.Store.Revision, _store.Store.CompactedRevision));
        Assert.Equal("2", _store.Get("a", revision: 3));
    }

    [Fact]
    public void Alarms_go_with_the_members_that_raised_them()
    {
        _store.Do<AlarmResponse>(new AlarmRequest { Action = AlarmAction.Activate, Alarm = AlarmType.Nospace, MemberID = 7 });
        _store.Do<AlarmResponse>(new AlarmRequest { Action = AlarmAction.Activate, Alarm = AlarmType.Corrupt, MemberID = 8 });
        StartOver(0);
        using var view = _store.Store.OpenView();
        Assert.Empty(view.Alarms());
        _store.Put("a", "4");
    }

    private void StartOver(long bump)
    {
        var transaction = _store.Store.Begin();
        transaction.StartOver(bump);
        transaction.Commit();
    }
}
