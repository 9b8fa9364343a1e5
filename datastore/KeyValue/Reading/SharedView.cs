using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Reading;

/// <summary>
/// One frozen state of the ordered store, counted by those who read it and closed by the last of them. It begins with one user:
/// whoever opened it.
/// </summary>
internal sealed class SharedView
{
    private readonly KeyValueStore _store;
    private int _users = 1;
    private AuthState? _auth;

    /// <param name="ordered">The frozen state.</param>
    /// <param name="commits">How many commits there had been before it was opened.</param>
    /// <param name="store">Whose state it is.</param>
    public SharedView(IOrderedReader ordered, long commits, KeyValueStore store)
    {
        (Ordered, Commits, _store) = (ordered, commits, store);
        State = StoreState.Read(ordered);
        Reader = store.Reader(ordered, State);
    }

    public IOrderedReader Ordered { get; }

    public long Commits { get; }

    public CommittedReader Reader { get; }

    public StoreState State { get; }

    /// <summary>The users and roles of this state: those in memory, unless they have changed between a commit and the look at them.</summary>
    public AuthState Auth => _auth ??= _store.Auth is { } newest && newest.Version == State.Auth ? newest : AuthState.Load(Reader, State.Auth);

    /// <summary>Counts one more user. False: it is closed already.</summary>
    public bool TryAcquire()
    {
        for (var users = Volatile.Read(ref _users); users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users) return true;
            users = seen;
        }
        return false;
    }

    /// <summary>Counts one user less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) Ordered.Dispose();
    }
}
