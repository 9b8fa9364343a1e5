using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.DowngradeRequest.Types;

namespace Raft.KeyValue.Tests;

public sealed class DowngradeTests
{
    private readonly TestStore _store = new();

    [Fact]
    public void One_downgrade_is_enabled_until_it_is_canceled()
    {
        Assert.Equal(StoreError.NoDowngrade, _store.Refusal(Cancel()));
        Assert.Equal(new DowngradeInfo(), Info(_store.Store));

        _store.Do<DowngradeResponse>(Enable());
        Assert.Equal(StoreError.DowngradeInProgress, _store.Refusal(Enable()));
        Assert.Equal(new DowngradeInfo { Enabled = true, TargetVersion = "3.4.0" }, Info(_store.Store));

        _store.Do<DowngradeResponse>(Cancel());
        Assert.Equal(StoreError.NoDowngrade, _store.Refusal(Cancel()));
        Assert.Equal(new DowngradeInfo(), Info(_store.Store));
    }

    [Fact]
    public void It_outlives_a_restart_and_changes_no_revision_and_no_hash()
    {
        _store.Put("a", "1");
        var (revision, hash) = (_store.Revision, _store.Hash());

        _store.Do<DowngradeResponse>(Enable());

        Assert.Equal((revision, hash), (_store.Revision, _store.Hash()));
        Assert.True(Info(new KeyValueStore(_store.Disk.Clone())).Enabled);
    }

    [Fact]
    public void No_alarm_stops_it()
    {
        foreach (var alarm in new[] { AlarmType.Nospace, AlarmType.Corrupt })
            _store.Do<AlarmResponse>(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = alarm });
        _store.Do<DowngradeResponse>(Enable());
        Assert.Equal(StoreError.CorruptCluster, _store.Refusal(new PutRequest { Key = Bytes("a") }));
    }

    private static DowngradeRequest Enable() => new() { Action = DowngradeAction.Enable, Version = "3.4.0" };

    private static DowngradeRequest Cancel() => new() { Action = DowngradeAction.Cancel };

    private static DowngradeInfo Info(KeyValueStore store)
    {
        using var view = store.OpenView();
        return view.Downgrade;
    }
}
