namespace Raft.Benchmarks.Loads;

/// <summary>What so many clients do, each one call after the other.</summary>
/// <param name="Name">Short, for --only.</param>
/// <param name="Title">For the report.</param>
/// <param name="Clients">How many at once.</param>
/// <param name="NewRequests">
/// Makes a client's requests, of which it sends each equally often, with random keys, unless they are a cycle. They must leave room for
/// <see cref="KeysBehind"/>.
/// </param>
internal sealed record Load(string Name, string Title, int Clients, Func<int, RequestTemplate[]> NewRequests)
{
    /// <summary>How far behind the chosen key a request reaches.</summary>
    public int KeysBehind { get; init; }

    /// <summary>A client sends its requests one after the other, again and again to the last, and all with the same key.</summary>
    public bool IsCycle { get; init; }

    /// <summary>Not 0: a <see cref="WatchFanOut"/> to so many watchers, in place of requests.</summary>
    public int Watchers { get; init; }
}
