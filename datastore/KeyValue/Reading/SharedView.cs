using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Reading;

/// <summary>
/// One frozen state of the ordered store, counted by those who read it and closed by the last of them. It begins with one user:
/// whoever opened it.
/// </summary>
/// <param name="ordered">The frozen state.</param>
/// <param name="commits">How many commits there had been before it was opened.</param>
/// <param name="store">Whose state it is.</param>
internal sealed class SharedView(IOrderedReader ordered, long commits, KeyValueStore store)
{
    private int _users = 1;
    private AuthState? _auth;

    public IOrderedReader Ordered => ordered;

    public long Commits => commits;

    public CommittedReader Reader { get; } = new(ordered);

    public StoreState State { get; } = StoreState.Read(ordered);

    /// <summary>The users and roles of this state: those in memory, unless they have changed between a commit and the look at them.</summary>
    public AuthState Auth => _auth ??= store.Auth is { } newest && newest.Version == State.Auth ? newest : AuthState.Load(Reader, State.Auth);

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
        if (Interlocked.Decrement(ref _users) == 0) ordered.Dispose();
    }
}
