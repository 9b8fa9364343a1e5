namespace Raft.Linearizability;

/// <summary>
/// Checks a history by etcd's revisions, which are a witness of the one order in which all writes took effect: no search is needed,
/// all keys and transactions are judged together, and a revision that nothing accounts for betrays a write that took effect twice.
/// The order is that of the revisions; what is checked is that it respects time and explains every answer.
/// </summary>
/// <remarks>
/// It is strict where every outcome is known. Where one is not, a revision that belongs to no answered write may be its effect:
/// what a read saw of it is then taken as the truth for all other reads, and what none saw is left open.
/// </remarks>
public static class RevisionChecker
{
    /// <summary>The store is empty when the history begins.</summary>
    /// <param name="history">The operations, in any order; those answered without a revision are passed over.</param>
    /// <param name="firstRevision">The store's revision before the history began: etcd's new store is at 1.</param>
    public static Verdict Check(IReadOnlyList<Operation> history, long firstRevision = 1)
    {
        // A read that may be stale may also be from before the history, of which nothing is known.
        var answered = history
            .Where(operation => operation.Response is { Revision: > 0 and var revision } && (revision >= firstRevision || !operation.Request.IsSerializable))
            .ToList();
        return RevisionOrder.EachWriteHasItsOwn(answered)
            ?? RevisionOrder.NoneGoesBack(answered)
            ?? RevisionOrder.EachHasAWrite(history, answered, firstRevision)
            ?? new RevisionReplay(history, answered, firstRevision).Check() as Verdict
            ?? new Verdict.Holds();
    }
}
