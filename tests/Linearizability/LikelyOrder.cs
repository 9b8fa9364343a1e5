namespace Raft.Linearizability;

/// <summary>The order in which to try operations first: by what revisions tell. It may be wrong, and only costs time then.</summary>
internal static class LikelyOrder
{
    /// <summary>A rank for each operation; the lowest is to be tried first.</summary>
    public static int[] Ranks(IReadOnlyList<Operation> operations)
    {
        var witnesses = Witnesses(operations);
        var ranks = new int[operations.Count];
        var order = Enumerable.Range(0, operations.Count)
            .OrderBy(i => Hint(operations[i], witnesses))
            .ThenBy(i => operations[i].Returned)
            .ThenBy(i => operations[i].Invoked);
        var rank = 0;
        foreach (var operation in order)
            ranks[operation] = rank++;
        return ranks;
    }

    /// <summary>A write comes before the reads at its revision; an unknown outcome where a read saw it, or last.</summary>
    private static (long Revision, bool IsRead) Hint(Operation operation, Dictionary<(string Key, string Value), long> witnesses) =>
        operation.Response is { } response
            ? (response.Revision > 0 ? response.Revision : long.MaxValue - 1, !response.Wrote(operation.Request))
            : (operation.Request.Then.Concat(operation.Request.Else).OfType<Step.Put>()
                .Min(put => witnesses.GetValueOrDefault((put.Key, put.Value), long.MaxValue) as long?) ?? long.MaxValue, false);

    private static Dictionary<(string Key, string Value), long> Witnesses(IReadOnlyList<Operation> operations)
    {
        var witnesses = new Dictionary<(string Key, string Value), long>();
        foreach (var operation in operations)
        {
            if (operation.Response is not { } response)
                continue;
            foreach (var (step, result) in operation.Request.Branch(response.Succeeded).Zip(response.Results))
            {
                if (result.Seen is { Value: { } value, ModRevision: { } revision })
                    witnesses[(step.Key, value)] = Math.Min(revision, witnesses.GetValueOrDefault((step.Key, value), long.MaxValue));
            }
        }
        return witnesses;
    }
}
