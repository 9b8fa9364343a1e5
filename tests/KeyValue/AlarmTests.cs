using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.AlarmRequest.Types;

namespace Raft.KeyValue.Tests;

public sealed class AlarmTests
{
    private readonly TestStore _store = new();

    [Fact]
    public void Without_space_nothing_is_put_but_deletes_go_on()
    {
        _store.Put("a", "1");
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 7);

        var put = new PutRequest { Key = Bytes("a"), Value = Bytes("2") };
        var nested = new TxnRequest { Success = { new RequestOp { RequestPut = put } } };
        Assert.Equal(StoreError.NoSpace, _store.Refusal(put));
        Assert.Equal(StoreError.NoSpace, _store.Refusal(new TxnRequest { Failure = { new RequestOp { RequestTxn = nested } } }));
        Assert.Equal(1, _store.Delete("a").Deleted);
        _store.Compact(3);
    }

    [Fact]
    public void A_corrupt_cluster_changes_nothing_but_can_be_read()
    {
        _store.Put("a", "1");
        Alarm(AlarmAction.Activate, AlarmType.Corrupt, 7);
        Assert.Equal(StoreError.CorruptCluster, _store.Refusal(new PutRequest { Key = Bytes("a") }));
        Assert.Equal(StoreError.CorruptCluster, _store.Refusal(new DeleteRangeRequest { Key = Bytes("a") }));
        Assert.Equal(StoreError.CorruptCluster, _store.Refusal(new TxnRequest()));
        Assert.Equal(StoreError.CorruptCluster, _store.Refusal(new CompactionRequest { Revision = 2 }));
        Assert.Equal("1", _store.Get("a"));
    }

    [Fact]
    public void What_nobody_knows_of_neither_raises_nor_clears_an_alarm()
    {
        Alarm(AlarmAction.Activate, (AlarmType)258, 7);
        Assert.Equal(2, _store.Put("a", "1").Header.Revision);
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 7);
        Alarm((AlarmAction)9, AlarmType.Nospace, 7);
        Assert.Equal(StoreError.NoSpace, _store.Refusal(new PutRequest { Key = Bytes("a") }));
    }

    [Fact]
    public void An_alarm_holds_until_every_member_that_raised_it_has_cleared_it()
    {
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 7);
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 9);
        Alarm(AlarmAction.Activate, AlarmType.Corrupt, 9);
        Alarm(AlarmAction.Deactivate, AlarmType.Corrupt, 9);
        Alarm(AlarmAction.Deactivate, AlarmType.Nospace, 7);
        Assert.Equal(StoreError.NoSpace, _store.Refusal(new PutRequest { Key = Bytes("a") }));
        Alarm(AlarmAction.Deactivate, AlarmType.Nospace, 9);
        _store.Put("a", "1");
    }

    [Fact]
    public void Alarms_are_listed_by_kind_and_member_and_outlive_a_restart()
    {
        Alarm(AlarmAction.Activate, AlarmType.Corrupt, 3);
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 9);
        Alarm(AlarmAction.Activate, AlarmType.Nospace, ulong.MaxValue);

        using var view = new KeyValueStore(_store.Disk.Clone()).OpenView();
        Assert.Equal([9, ulong.MaxValue, 3], view.Alarms().Select(alarm => alarm.MemberID));
        Assert.Equal([3], view.Alarms(AlarmType.Corrupt).Select(alarm => alarm.MemberID));
        Assert.Equal(view.Alarms(), Alarm(AlarmAction.Get, AlarmType.None, 0).Alarms);
    }

    private AlarmResponse Alarm(AlarmAction action, AlarmType kind, ulong member) =>
        _store.Do<AlarmResponse>(new AlarmRequest { Action = action, Alarm = kind, MemberID = member });
}
