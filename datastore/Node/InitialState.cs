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

        await BeginAsync(state, store.Begin(), members).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes the state that a backup holds the first state of a new cluster: the data stays, of the old members nothing does.
    /// Durable when it returns. Every first member must begin with the same backup, list and bump.
    /// </summary>
    /// <param name="state">Holds the content of the backup.</param>
    /// <param name="members">The first members.</param>
    /// <param name="revisionBump">See <see cref="StoreTransaction.StartOver"/>.</param>
    /// <returns>The revision that the new cluster begins with.</returns>
    /// <exception cref="InvalidDataException">It is no member's state.</exception>
    public static async Task<long> RestoreAsync(IStateStore state, IReadOnlyList<Member> members, long revisionBump)
    {
        using var store = new KeyValueStore(state);
        if (AppliedRecord.Read(store) == AppliedRecord.Nothing)
        {
            throw new InvalidDataException("it does not hold the state of a member.");
        }

        var transaction = store.Begin();
        transaction.StartOver(revisionBump);
        await BeginAsync(state, transaction, members).ConfigureAwait(false);
        return store.Revision;
    }

    private static async Task BeginAsync(IStateStore state, StoreTransaction transaction, IReadOnlyList<Member> members)
    {
        var directory = new MembershipDirectory();
        directory.Set(members);
        directory.Write(transaction);
        new AppliedRecord(Origin, new Configuration([.. members.Select(member => new MemberId(member.ID))], [])).Write(transaction);
        transaction.Commit();
        await state.FlushAsync().ConfigureAwait(false);
    }
}
