using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Sessions;

namespace Raft.KeyValue;

/// <summary>
/// A multi-version key-value store with etcd's meaning of revisions, as a deterministic state machine over an ordered store:
/// the same commands in the same order give the same content on every member.
/// One caller writes, through one transaction at a time; any number of threads read, each through a view.
/// </summary>
public sealed class KeyValueStore
{
    private readonly IOrderedStore _store;

    private readonly SessionLimits _sessionLimits;

    /// <summary>Opens the store over what the ordered store holds; an empty one is at revision 1.</summary>
    public KeyValueStore(IOrderedStore store)
        : this(store, SessionLimits.Default)
    {
    }

    internal KeyValueStore(IOrderedStore store, SessionLimits sessionLimits)
    {
        (_store, _sessionLimits) = (store, sessionLimits);
        State = StoreState.Read(store);
    }

    /// <summary>The revision after the last committed change. For the writer; a reader asks its view.</summary>
    public long Revision => State.Revision;

    /// <summary>Reads below this revision are refused; -1 before the first compaction, as etcd reports it.</summary>
    public long CompactedRevision => State.CompactedRevision;

    /// <summary>
    /// True while superseded versions below the compacted revision still take up space: call
    /// <see cref="StoreTransaction.CompactStep"/> until it is false. For the writer.
    /// </summary>
    public bool HasCompactionWork => State.HasCompactionWork;

    internal StoreState State { get; private set; }

    /// <summary>Starts the only transaction: it gathers the changes of any number of commands into one batch.</summary>
    public StoreTransaction Begin() => new(this, _store, _sessionLimits);

    /// <summary>A view of the committed state as it is now. From any thread; never waits for the writer.</summary>
    public StoreView OpenView() => new(_store.OpenView());

    /// <summary>Reads the state again, after the ordered store's content was replaced by a snapshot.</summary>
    public void Reload() => State = StoreState.Read(_store);

    internal void Commit(OrderedBatch batch, StoreState state)
    {
        _store.Write(batch);
        State = state;
    }
}
