namespace Raft.Linearizability.Tests;

/// <summary>The definition itself: tries every order that respects time, and every choice of the unknown outcomes that took effect.</summary>
internal static class BruteForce
{
    public static bool IsLinearizable(IReadOnlyList<Operation> history) => CanGoOn([.. history], new SequentialStore());

    private static bool CanGoOn(List<Operation> rest, SequentialStore store)
    {
        if (rest.TrueForAll(operation => operation.Response is null))
            return true;
        foreach (var operation in rest.Where(operation => !rest.Exists(other => other.Returned < operation.Invoked)))
        {
            var after = store.Clone();
            if (Agrees(operation.Response, after.Do(operation.Request)) && CanGoOn([.. rest.Where(other => !ReferenceEquals(other, operation))], after))
                return true;
        }
        return false;
    }

    /// <summary>Whether an answer says nothing but what the full answer says; it may say less.</summary>
    private static bool Agrees(Response? answer, Response full)
    {
        if (answer is null)
            return true;
        return answer.Succeeded == full.Succeeded
            && (answer.Revision == 0 || answer.Revision == full.Revision)
            && answer.Results.Zip(full.Results).All(pair =>
                pair.First.Deleted == pair.Second.Deleted && Agrees(pair.First.Seen, pair.Second.Seen!.Value));
    }

    private static bool Agrees(Observation? seen, Observation full) =>
        seen is not { } known
        || (known.Value == full.Value
            && (known.Version ?? full.Version) == full.Version
            && (known.ModRevision ?? full.ModRevision) == full.ModRevision);
}
