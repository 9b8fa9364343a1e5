using Google.Protobuf;
using Raft.Consensus;
using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

/// <summary>A command that takes long holds up what is applied after it, and nothing else (etcd applies beside its raft loop).</summary>
public class LongCommandTests
{
    private readonly TestCluster _cluster = new TestCluster(settings: static options => options with { KeysPerTurnMax = 2 }).Elected();

    [Fact]
    public void While_a_command_takes_long_heartbeats_go_out_and_nobody_else_is_elected()
    {
        var leader = Filled();
        var term = leader.Status.Consensus.Term;
        Hold();
        var delete = leader.Node.ProposeAsync(DeleteAll());
        _cluster.Tick(50);
        Assert.False(delete.IsCompleted);
        Assert.True(leader.Status.IsLeader);
        Assert.Equal(term, leader.Status.Consensus.Term);
    }

    [Fact]
    public void What_is_written_after_it_is_committed_meanwhile_and_applied_in_order()
    {
        var leader = Filled();
        Hold();
        var delete = leader.Node.ProposeAsync(DeleteAll());
        var put = leader.Put("b", "after");
        var change = leader.Node.AddMemberAsync(new MemberAddRequest { PeerURLs = { "http://m9:2380" }, IsLearner = true });
        _cluster.Settle();
        Assert.Equal(leader.Status.Consensus.Last.Index, leader.Status.Consensus.Commit);
        Assert.False(put.IsCompleted);
        Assert.False(change.IsCompleted);
        Assert.Equal("0", leader.Get("a"));

        Release();
        Assert.Equal(4, ((DeleteRangeResponse)_cluster.Do(delete).Response!).Deleted);
        Assert.Equal(leader.Node.Store.Revision, ((PutResponse)_cluster.Do(put).Response!).Header.Revision);
        _cluster.Do(change);
        Assert.Null(leader.Get("a"));
        Assert.Equal("after", leader.Get("b"));
        _cluster.AssertSameState();
    }

    [Fact]
    public void A_linearizable_read_waits_for_it()
    {
        var leader = Filled();
        Hold();
        var delete = leader.Node.ProposeAsync(DeleteAll());
        _cluster.Settle();
        var read = leader.Node.ReadBarrierAsync();
        _cluster.Settle();
        Assert.False(read.IsCompleted);
        Release();
        _cluster.Do(read);
        _cluster.Do(delete);
    }

    [Fact]
    public void A_second_one_waits_for_the_first()
    {
        var leader = Filled();
        Hold();
        var first = leader.Node.ProposeAsync(DeleteAll());
        var second = leader.Node.ProposeAsync(DeleteAll());
        _cluster.Settle();
        Assert.Single(leader.Held!);
        Release();
        Assert.Equal(4, ((DeleteRangeResponse)_cluster.Do(first).Response!).Deleted);
        Assert.Equal(0, ((DeleteRangeResponse)_cluster.Do(second).Response!).Deleted);
    }

    [Fact]
    public void A_snapshot_for_another_waits_until_it_says_what_the_store_holds()
    {
        var cluster = new TestCluster(settings: static options => options with { KeysPerTurnMax = 2, SnapshotEntries = 3, CatchUpEntries = 0 }).Elected();
        var leader = cluster.Leader;
        var log = cluster[3].Crash();
        for (var i = 0; i < 20; i++)
        {
            cluster.Do(leader.Put($"{i}", "0"));
        }

        cluster.Tick(20);
        leader.Held = [];
        var delete = leader.Node.ProposeAsync(DeleteAll());
        cluster.Settle();
        leader.State.HoldsFlushes = true;
        var flushes = leader.State.Flushes;
        cluster[3].Start(log);
        cluster.TickUntil(() => leader.State.Flushes > flushes);

        // The snapshot is due just when the command has changed the store, and the node does not know of it yet.
        leader.State.CompleteFlush();
        leader.State.HoldsFlushes = false;
        leader.Held.Dequeue()();
        cluster.Do(delete);
        cluster.TickUntil(() => cluster[3].Status.Consensus.Applied == leader.Status.Consensus.Applied || cluster[3].Failure is not null);
        Assert.Null(cluster[3].Failure);
        cluster.AssertSameState();
    }

    [Fact]
    public void What_waited_for_it_is_applied_in_turns_that_end()
    {
        var cluster = new TestCluster(settings: static options => options with
        {
            KeysPerTurnMax = 0,
            Consensus = new ConsensusOptions { Id = options.Consensus.Id, Random = options.Consensus.Random, CommittedEntriesMax = 10 },
        }).Elected();
        var leader = cluster.Leader;
        cluster.Do(leader.Put("a", "0"));
        leader.Held = [];
        var delete = leader.Node.ProposeAsync(DeleteAll());
        var puts = Enumerable.Range(0, 55).Select(i => leader.Put("b", $"{i}")).ToList();
        cluster.Settle();
        var batches = leader.State.Batches;
        leader.Held.Dequeue()();
        cluster.Do(delete);
        Assert.All(puts, put => cluster.Do(put));
        Assert.Equal(batches + 1 + 6, leader.State.Batches);
        cluster.AssertSameState();
    }

    [Fact]
    public void A_snapshot_from_another_waits_for_it()
    {
        var cluster = new TestCluster(settings: static options => options with { KeysPerTurnMax = 0, SnapshotEntries = 3, CatchUpEntries = 0 }).Elected();
        cluster.Do(cluster.Leader.Put("a", "0"));
        cluster.Tick(2);
        var follower = cluster[3];
        follower.Held = [];
        cluster.Do(cluster.Leader.Node.ProposeAsync(DeleteAll()));
        cluster.Tick(2);
        cluster.Network.CutOff(follower.Id);
        for (var i = 0; i < 20; i++)
        {
            cluster.Do(cluster.Leader.Put($"{i}", "0"));
        }

        cluster.Tick(60);
        cluster.Network.Heal();
        cluster.Tick(20);
        Assert.Equal(0, follower.Status.Counters.SnapshotsInstalled);
        follower.Held.Dequeue()();
        follower.Held = null;
        cluster.TickUntil(() => follower.Status.Counters.SnapshotsInstalled == 1);
        Assert.Null(follower.Failure);
        cluster.AssertSameState();
    }

    [Fact]
    public void If_it_fails_the_member_stops()
    {
        var leader = Filled();
        Hold();
        _ = leader.Node.ProposeAsync(DeleteAll());
        _cluster.Settle();
        leader.State.IsBroken = true;
        leader.Held!.Dequeue()();
        leader.Node.RunTurn();
        Assert.IsType<IOException>(leader.Failure);
    }

    [Fact]
    public void Leadership_that_moves_meanwhile_does_not_cost_its_answer_nor_those_after_it()
    {
        var leader = Filled();
        Hold();
        var delete = leader.Node.ProposeAsync(DeleteAll());
        var before = leader.Put("b", "before");
        _cluster.Settle();
        var moved = leader.Node.MoveLeaderAsync(new MemberId(2));
        _cluster.Settle();
        Assert.True(moved.IsCompletedSuccessfully);
        var after = leader.Put("c", "after");
        _cluster.Settle();
        Release();
        _cluster.Do(delete);
        _cluster.Do(before);
        _cluster.Do(after);
        _cluster.AssertSameState();
    }

    [Fact]
    public void A_lease_with_many_keys_that_ends_is_one()
    {
        var leader = _cluster.Leader;
        _cluster.Do(leader.Node.ProposeAsync(new Command { LeaseGrant = new LeaseGrantRequest { ID = 5, TTL = 60 } }));
        foreach (var key in "abc")
        {
            var put = new PutRequest { Key = ByteString.CopyFromUtf8(key.ToString()), Lease = 5 };
            _cluster.Do(leader.Node.ProposeAsync(new Command { Put = put }));
        }

        Hold();
        var revoke = leader.Node.ProposeAsync(new Command { LeaseRevoke = new LeaseRevokeRequest { ID = 5 } });
        _cluster.Settle();
        Assert.Single(leader.Held!);
        Release();
        _cluster.Do(revoke);
        Assert.Null(leader.Get("a"));
    }

    [Fact]
    public void Few_keys_are_applied_within_the_turn()
    {
        var leader = Filled();
        Hold();
        var range = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("a"), RangeEnd = ByteString.CopyFromUtf8("c") };
        _cluster.Do(leader.Node.ProposeAsync(new Command { DeleteRange = range }));
        Assert.Empty(leader.Held!);
    }

    private TestMember Filled()
    {
        foreach (var key in "abcd")
        {
            _cluster.Do(_cluster.Leader.Put(key.ToString(), "0"));
        }

        return _cluster.Leader;
    }

    private static Command DeleteAll() => new()
    {
        DeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) },
    };

    private void Hold()
    {
        _cluster.Tick(2);
        foreach (var member in _cluster.Up)
        {
            member.Held = [];
        }
    }

    private void Release()
    {
        foreach (var member in _cluster.Up)
        {
            var held = member.Held;
            member.Held = null;
            while (held?.TryDequeue(out var takesLong) == true)
            {
                takesLong();
            }
        }
    }
}
