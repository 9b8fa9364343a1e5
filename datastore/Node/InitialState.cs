using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;

namespace Raft.Node;

/// <summary>
/// Where a cluster begins. Its first members all start from the same state, as if entry 1 of term 1 had made them members:
/// the log begins after that entry, so whoever joins later has to start from a snapshot, which tells who the members are.
/// </summary>
public static class InitialState
{
    /// <summary>The entry that stands for the first configuration.</summary>
    public static EntryId Origin { get; } = new(new Term(1), new LogIndex(1));

    /// <summary>
    /// Writes the first state of a new cluster into a blank store. Durable when it returns; repeating it changes nothing.
    /// Every first member must be given the same list.
    /// </summary>
    public static async Task WriteAsync(IStateStore state, IReadOnlyList<Member> members)
    {
        var store = new KeyValueStore(state);
        if (AppliedRecord.Read(store) != AppliedRecord.Nothing)
        {
            return;
        }

        var transaction = store.Begin();
        var directory = new MembershipDirectory();
        directory.Set(members);
        directory.Write(transaction);
        new AppliedRecord(Origin, new Configuration([.. members.Select(member => new MemberId(member.ID))], [])).Write(transaction);
        transaction.Commit();
        await state.FlushAsync().ConfigureAwait(false);
    }
}
