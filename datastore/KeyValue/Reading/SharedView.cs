using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Reading;

/// <summary>
/// One frozen state of the ordered store, counted by those who read it and closed by the last of them. It begins with one user:
/// whoever opened it.
/// </summary>
/// <param name="ordered">The frozen state.</param>
/// <param name="commits">How many commits there had been before it was opened.</param>
internal sealed class SharedView(IOrderedReader ordered, long commits)
{
    private int _users = 1;

    public IOrderedReader Ordered => ordered;

    public long Commits => commits;

    public CommittedReader Reader { get; } = new(ordered);

    public StoreState State { get; } = StoreState.Read(ordered);

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
