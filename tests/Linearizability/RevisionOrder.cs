namespace Raft.Linearizability;

/// <summary>The rules of <see cref="RevisionChecker"/> that need no look at what was read. Null stands for no violation.</summary>
internal static class RevisionOrder
{
    public static Verdict.Broken? EachWriteHasItsOwn(IEnumerable<Operation> answered)
    {
        var writes = new Dictionary<long, Operation>();
        foreach (var operation in answered.Where(operation => operation.Response!.Wrote(operation.Request)))
        {
            if (!writes.TryAdd(operation.Response!.Revision, operation))
                return Broken("Each write has a revision of its own", $"two have {operation.Response.Revision}", writes[operation.Response.Revision], operation);
        }
        return null;
    }

    /// <summary>
    /// What is invoked after an answer sees at least its revision, on whatever key, and a write gets a later one. A read that may be
    /// stale is bound by nothing before it, but binds those after it.
    /// </summary>
    public static Verdict.Broken? NoneGoesBack(IReadOnlyList<Operation> answered)
    {
        var returns = answered.OrderBy(operation => operation.Returned).ToList();
        Operation? latest = null;
        var next = 0;
        foreach (var operation in answered.OrderBy(operation => operation.Invoked))
        {
            for (; returns[next].Returned < operation.Invoked; next++)
            {
                if (latest is null || returns[next].Response!.Revision > latest.Response!.Revision)
                    latest = returns[next];
            }
            if (latest is null || operation.Request.IsSerializable)
                continue;
            var (before, after) = (latest.Response!.Revision, operation.Response!.Revision);
            if (after < before)
                return Broken("Revisions do not go back", $"{after} was answered to what was asked after {before} had been answered", latest, operation);
            if (after == before && operation.Response.Wrote(operation.Request))
                return Broken("A write gets a later revision", $"it got {after}, which had been answered before it was asked", latest, operation);
        }
        return null;
    }

    /// <summary>
    /// Between the first revision and any that was answered there are no more revisions without an answered write than there are
    /// writes of unknown outcome that had been sent by then.
    /// </summary>
    public static Verdict.Broken? EachHasAWrite(IReadOnlyList<Operation> history, IReadOnlyList<Operation> answered, long firstRevision)
    {
        var sent = history
            .Where(operation => operation.Response is null or { Revision: 0 } && operation.Request.Then.Concat(operation.Request.Else).Any(step => step is not Step.Get))
            .Select(operation => operation.Invoked).Order().ToList();
        var writes = answered.Count(operation => operation.Response!.Wrote(operation.Request));
        var candidates = sent.Count;
        var soonest = long.MaxValue;
        // From the last revision down: whatever was answered at a later one bounds the time of all before it.
        foreach (var operation in answered.OrderByDescending(operation => operation.Response!.Revision).ThenBy(operation => operation.Response!.Wrote(operation.Request)))
        {
            soonest = Math.Min(soonest, operation.Returned);
            while (candidates > 0 && sent[candidates - 1] > soonest)
                candidates--;
            var revision = operation.Response!.Revision;
            var wrote = operation.Response.Wrote(operation.Request);
            if (wrote ? revision <= firstRevision : revision < firstRevision)
                return Broken("Revisions begin where the store began", $"{revision} was answered, and the store began at {firstRevision}", operation);
            var unaccounted = revision - firstRevision - writes;
            if (unaccounted > candidates)
            {
                return Broken(
                    "Each revision has its write",
                    $"up to {revision}, {unaccounted} revisions belong to no answered write, and only {candidates} writes of unknown outcome had been sent: "
                        + "one took effect twice, or one that nobody asked for",
                    operation);
            }
            writes -= wrote ? 1 : 0;
        }
        return null;
    }

    public static Verdict.Broken Broken(string rule, string explanation, params Operation[] operations) => new(new Violation(
        rule, [.. operations.SelectMany(operation => operation.Request.Keys).Distinct()], explanation, [.. operations.OrderBy(operation => operation.Invoked)]));
}
