using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Sessions;
using Raft.KeyValue.Writing;

namespace Raft.KeyValue;

/// <summary>
/// A multi-version key-value store with etcd's meaning of revisions, as a deterministic state machine over an ordered store:
/// the same commands in the same order give the same content on every member.
/// One caller writes, through one transaction at a time; any number of threads read, each through a view.
/// </summary>
public sealed class KeyValueStore : IDisposable
{
    private const long DefaultNewestVersionsBytes = 1024 * 1024;

    private readonly IOrderedStore _store;

    private readonly SessionLimits _sessionLimits;

    private readonly Overlay _overlay = new();

    private SharedView? _view;

    /// <summary>Counts the commits: a view that was opened under an older number may not show the newest of them.</summary>
    private long _commits;

    private volatile bool _isClosed;

    private AuthState _auth;

    /// <summary>Opens the store over what the ordered store holds; an empty one is at revision 1.</summary>
    /// <param name="store">The ordered store.</param>
    /// <param name="newestVersionsBytes">Memory for versions that were written or read lately, so that they need not be looked for below.</param>
    public KeyValueStore(IOrderedStore store, long newestVersionsBytes = DefaultNewestVersionsBytes)
        : this(store, SessionLimits.Default, newestVersionsBytes)
    {
    }

    internal KeyValueStore(IOrderedStore store, SessionLimits sessionLimits, long newestVersionsBytes = DefaultNewestVersionsBytes)
    {
        (_store, _sessionLimits) = (store, sessionLimits);
        State = StoreState.Read(store);
        Newest = new VersionCache(newestVersionsBytes, State.Revision);
        _auth = AuthState.Load(Reader(store, State), State.Auth);
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

    /// <summary>Users and roles after the last committed change. From any thread; what goes with the data of a view, the view says.</summary>
    public AuthState Auth => Volatile.Read(ref _auth);

    /// <summary>The tokens that stand for users. From any thread.</summary>
    public TokenTable Tokens { get; } = new();

    internal StoreState State { get; private set; }

    private VersionCache Newest { get; }

    /// <summary>Starts the only transaction: it gathers the changes of any number of commands into one batch.</summary>
    public StoreTransaction Begin() => new(this, _overlay, Reader(_store, State), _sessionLimits);

    /// <summary>A view of the committed state as it is now. From any thread; never waits for the writer.</summary>
    /// <remarks>Readers between two commits share what is costly about a view.</remarks>
    public StoreView OpenView()
    {
        var commits = Volatile.Read(ref _commits);
        var current = Volatile.Read(ref _view);
        if (current is not null && current.Commits == commits && current.TryAcquire()) return new(current);

        var opened = new SharedView(_store.OpenView(), commits, this);
        var view = new StoreView(opened);
        Replace(current, opened);
        return view;
    }

    /// <summary>
    /// Reads the state again, after the ordered store's content was replaced by a snapshot. The commands between were not applied
    /// here, so which tokens they have made invalid is not known: all are forgotten.
    /// </summary>
    public void Reload()
    {
        State = StoreState.Read(_store);
        Newest.Reset(State.Revision);
        Volatile.Write(ref _auth, AuthState.Load(Reader(_store, State), State.Auth));
        Committed();
        Tokens.Clear();
    }

    /// <summary>Lets go of the ordered store, which is not this one's to close. Open views stay readable.</summary>
    public void Dispose()
    {
        _isClosed = true;
        Interlocked.Exchange(ref _view, null)?.Release();
    }

    /// <summary>Reads the ordered store, or a view of it, whose state is given.</summary>
    internal CommittedReader Reader(IOrderedReader ordered, StoreState state) => new(ordered, Newest, state.Revision);

    internal void Commit(OrderedBatch batch, StoreState state, AuthState auth)
    {
        Newest.Committing(batch, state.Revision);
        _store.Write(batch);
        State = state;
        Volatile.Write(ref _auth, auth);
        Committed();
    }

    /// <summary>From here on nobody gets a view of the state before.</summary>
    private void Committed()
    {
        Interlocked.Increment(ref _commits);
        Interlocked.Exchange(ref _view, null)?.Release();
    }

    /// <summary>Offers a view to the readers to come, unless somebody else did, or there was a commit.</summary>
    private void Replace(SharedView? current, SharedView opened)
    {
        if (!opened.TryAcquire()) return;
        if (Interlocked.CompareExchange(ref _view, opened, current) != current) opened.Release();
        else current?.Release();
        if (_isClosed) Interlocked.Exchange(ref _view, null)?.Release();
    }
}
