using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Checks;

/// <summary>
/// What one watcher of all keys was told, over however many members and streams. Each revision is to be told once, in order and
/// whole; what was left out because it had been compacted is known.
/// </summary>
/// <param name="name">Who watches.</param>
/// <param name="first">The first revision that it wants to see.</param>
internal sealed class WatchRecord(string name, long first)
{
    private readonly Dictionary<long, IReadOnlyList<Event>> _told = [];
    private readonly List<(long From, long To)> _compacted = [];
    private long _next = first;

    public string Name => name;

    /// <summary>The first revision that it has not seen: where it goes on after a break.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>What it was told of a revision.</summary>
    public IReadOnlyList<Event> At(long revision) => _told.GetValueOrDefault(revision, []);

    /// <summary>Whether it was told that a revision can be seen no more.</summary>
    public bool IsCompacted(long revision) => _compacted.Exists(gap => revision >= gap.From && revision < gap.To);

    /// <summary>One message with events.</summary>
    /// <returns>The broken promise, or null.</returns>
    public string? Take(IReadOnlyList<Event> events)
    {
        // The next message begins with another revision: a resumed watch would miss the rest of one that comes in parts.
        foreach (var revision in events.GroupBy(told => told.Kv.ModRevision))
        {
            if (revision.Key < _next)
                return $"{name} was told of revision {revision.Key} when all before {_next} had been told: {Describe(revision)}";
            if (revision.Select(told => told.Kv.Key).Distinct().Count() < revision.Count())
                return $"{name} was told twice of a key in revision {revision.Key}: {Describe(revision)}";
            _told.Add(revision.Key, [.. revision]);
            Volatile.Write(ref _next, revision.Key + 1);
        }
        return null;
    }

    /// <summary>The watch was ended because what it wants next is compacted; it goes on with what is not.</summary>
    /// <returns>The broken promise, or null.</returns>
    public string? SkipTo(long compactRevision)
    {
        if (compactRevision <= _next)
            return $"{name} wanted all from {_next} on, and was told that this is compacted, but only what is before {compactRevision} is";
        _compacted.Add((_next, compactRevision));
        Volatile.Write(ref _next, compactRevision);
        return null;
    }

    public static string Describe(IEnumerable<Event> events) => string.Join(", ", events.Select(told =>
        $"{told.Type} {told.Kv.Key.ToStringUtf8()}={told.Kv.Value.ToStringUtf8()} v{told.Kv.Version} at {told.Kv.ModRevision}"));
}
