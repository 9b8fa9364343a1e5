using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Tests.World;
using Raft.Protocol.Etcd;

namespace Raft.Node.Tests;

/// <summary>How a cluster begins with the state of another.</summary>
public sealed class InitialStateTests
{
    [Fact]
    public async Task Of_the_old_cluster_no_member_stays_and_no_entry_counts()
    {
        using var state = new MemoryState();
        await InitialState.WriteAsync(state, [new Member { ID = 1 }, new Member { ID = 2 }]);
        using (var old = new KeyValueStore(state))
        {
            var transaction = old.Begin();
            var directory = new MembershipDirectory();
            directory.Load(old);
            directory.Apply(new ConfigurationChange(ConfigurationChangeKind.RemoveMember, new MemberId(2), default), new Member());
            directory.Write(transaction);
            new AppliedRecord(new EntryId(new Term(7), new LogIndex(500)), new Configuration([new MemberId(1)], [])).Write(transaction);
            transaction.Commit();
        }

        await InitialState.RestoreAsync(state, [new Member { ID = 11, Name = "a" }, new Member { ID = 12 }, new Member { ID = 13 }], revisionBump: 0);
        state.Crash();

        using var store = new KeyValueStore(state);
        Assert.Equal(
            new AppliedRecord(InitialState.Origin, new Configuration([new MemberId(11), new MemberId(12), new MemberId(13)], [])), AppliedRecord.Read(store));
        var members = new MembershipDirectory();
        members.Load(store);
        Assert.Equal([11, 12, 13], members.Members.Keys);
        Assert.Empty(members.Removed);
    }

    [Fact]
    public async Task What_is_no_members_state_is_not_restored()
    {
        using var state = new MemoryState();
        await Assert.ThrowsAsync<InvalidDataException>(() => InitialState.RestoreAsync(state, [new Member { ID = 11 }], revisionBump: 0));
        Assert.Equal(0, state.Batches);
    }
}
