namespace Raft.Linearizability;

/// <summary>Keys that operations join, and all the operations on them that can matter.</summary>
internal sealed record Partition(IReadOnlyList<string> Keys, IReadOnlyList<Operation> Operations)
{
    /// <summary>
    /// The smallest parts of a history that can be judged one by one. Left out are reads that may be stale, and those of
    /// unknown outcome that change nothing in any case: both can stand anywhere.
    /// </summary>
    public static IEnumerable<Partition> Split(IReadOnlyList<Operation> history)
    {
        var relevant = history.Where(operation => !operation.Request.IsSerializable && (operation.Response is not null || MayWrite(operation.Request))).ToList();
        var parents = new Dictionary<string, string>();
        foreach (var operation in relevant)
        {
            string? first = null;
            foreach (var key in operation.Request.Keys)
                parents[Root(parents, key)] = Root(parents, first ??= key);
        }

        return relevant
            .Where(operation => operation.Request.Keys.Any())
            .GroupBy(operation => Root(parents, operation.Request.Keys.First()))
            .Select(group => new Partition([.. group.SelectMany(operation => operation.Request.Keys).Distinct()], [.. group]));
    }

    private static bool MayWrite(Request request) => request.Then.Concat(request.Else).Any(step => step is not Step.Get);

    private static string Root(Dictionary<string, string> parents, string key)
    {
        while (parents.TryGetValue(key, out var parent) && parent != key)
            key = parent;
        return key;
    }
}
