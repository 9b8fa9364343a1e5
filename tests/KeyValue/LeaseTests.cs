using CsCheck;
using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Tests;

public sealed class LeaseTests
{
    private readonly TestStore _store = new();

    [Fact]
    public void A_key_cannot_be_put_under_a_lease_that_does_not_exist()
    {
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(Put("a", lease: 7)));
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(new TxnRequest { Success = { new RequestOp { RequestPut = Put("a", lease: 7) } } }));
        Grant(7);
        Assert.Null(_store.Refusal(Put("a", lease: 7)));
        Assert.Equal(7, _store.Range("a").Kvs[0].Lease);
        Revoke(7);
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(Put("a", lease: 7)));
    }

    [Fact]
    public void A_revoke_deletes_all_keys_of_the_lease_in_one_revision_and_in_key_order()
    {
        Grant(7);
        Grant(8);
        foreach (var key in new[] { "c", "a", "b" }) _store.Do<PutResponse>(Put(key, lease: 7));
        _store.Do<PutResponse>(Put("d", lease: 8));
        _store.Put("e", "1");
        var before = _store.Revision;

        Assert.Equal(before + 1, Revoke(7).Header.Revision);

        Assert.Equal(["a", "b", "c"], _store.LastEvents.Select(change => System.Text.Encoding.UTF8.GetString(change.Key)));
        Assert.All(_store.LastEvents, change => Assert.Equal((before + 1, Event.Types.EventType.Delete), (change.Revision, change.Type)));
        Assert.Equal(2, _store.Range("a", "z").Count);
    }

    [Fact]
    public void Neither_a_grant_nor_the_revoke_of_a_lease_without_keys_is_a_revision()
    {
        Assert.Equal(1, Grant(7).Header.Revision);
        Assert.Equal(1, Revoke(7).Header.Revision);
        Assert.Equal(1, _store.Revision);
    }

    [Fact]
    public void A_key_lives_under_the_lease_of_its_last_put()
    {
        Grant(7);
        Grant(8);
        _store.Do<PutResponse>(Put("moved", lease: 7));
        _store.Do<PutResponse>(Put("moved", lease: 8));
        _store.Do<PutResponse>(Put("kept", lease: 7));
        _store.Do<PutResponse>(new PutRequest { Key = TestStore.Bytes("kept"), Value = TestStore.Bytes("2"), IgnoreLease = true });
        _store.Do<PutResponse>(Put("freed", lease: 7));
        _store.Put("freed", "1");
        _store.Do<PutResponse>(Put("deleted", lease: 7));
        _store.Delete("deleted");
        _store.Put("deleted", "again");

        Revoke(7);

        Assert.Equal(["deleted", "freed", "moved"], _store.Range("a", "z").Kvs.Select(pair => pair.Key.ToStringUtf8()));
    }

    [Fact]
    public void A_grant_is_refused_as_etcd_refuses_it()
    {
        Grant(7);
        Assert.Equal(StoreError.LeaseExists, _store.Refusal(new LeaseGrantRequest { ID = 7, TTL = 10 }));
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(new LeaseGrantRequest { ID = 0, TTL = 10 }));
        Assert.Equal(StoreError.LeaseTtlTooLarge, _store.Refusal(new LeaseGrantRequest { ID = 8, TTL = 9_000_000_001 }));
        Assert.Equal(StoreError.LeaseNotFound, _store.Refusal(new LeaseRevokeRequest { ID = 9 }));
        _store.Do<AlarmResponse>(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.Nospace, MemberID = 1 });
        Assert.Equal(StoreError.NoSpace, _store.Refusal(new LeaseGrantRequest { ID = 8, TTL = 10 }));
        Revoke(7);
    }

    /// <summary>What is attached is at any time exactly what the living pairs say.</summary>
    [Fact]
    public void Whatever_is_written_the_keys_of_a_lease_are_those_whose_pairs_name_it() =>
        Gen.Int[1, int.MaxValue].Sample(
            static seed =>
            {
                var (random, store) = (new Random(seed), new TestStore());
                for (var step = 0; step < 100; step++)
                {
                    store.Apply(TestStore.Command(AnyRequest(random)));
                    Check(store);
                }
            },
            iter: 100,
            threads: 1);

    private static IMessage AnyRequest(Random random)
    {
        var key = TestStore.Bytes(random.Next(6).ToString());
        var lease = random.Next(4);
        return random.Next(7) switch
        {
            0 => new LeaseGrantRequest { ID = lease, TTL = 10 },
            1 => new LeaseRevokeRequest { ID = lease },
            2 => new DeleteRangeRequest { Key = key, RangeEnd = random.Next(2) == 0 ? ByteString.Empty : ByteString.CopyFrom(0) },
            3 => new TxnRequest
            {
                Compare = { new Compare { Target = Compare.Types.CompareTarget.Lease, Key = key, Lease = lease } },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Lease = random.Next(3) } } },
                Failure = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } } },
            },
            4 => new PutRequest { Key = key, IgnoreLease = true },
            _ => new PutRequest { Key = key, Lease = lease },
        };
    }

    private static void Check(TestStore store)
    {
        using var view = store.Store.OpenView();
        var pairs = store.Range("\0", "\0").Kvs;
        var leases = view.Leases().Select(lease => lease.Id).ToList();
        Assert.Subset(leases.ToHashSet(), pairs.Select(pair => pair.Lease).Where(lease => lease != 0).ToHashSet());
        for (var lease = 1; lease < 4; lease++)
            Assert.Equal(pairs.Where(pair => pair.Lease == lease).Select(pair => pair.Key), view.LeaseKeys(lease).Select(ByteString.CopyFrom));
    }

    private static PutRequest Put(string key, long lease) => new() { Key = TestStore.Bytes(key), Value = TestStore.Bytes("1"), Lease = lease };

    private LeaseGrantResponse Grant(long id) => _store.Do<LeaseGrantResponse>(new LeaseGrantRequest { ID = id, TTL = 10 });

    private LeaseRevokeResponse Revoke(long id) => _store.Do<LeaseRevokeResponse>(new LeaseRevokeRequest { ID = id });
}
