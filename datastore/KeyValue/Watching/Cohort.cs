namespace Raft.KeyValue.Watching;

/// <summary>Watchers that read up on the past together, from one place on. Those that begin further on join in when it gets there.</summary>
/// <param name="next">None of them still needs anything below this revision.</param>
internal sealed class Cohort(long next)
{
    private readonly WatchIndex _index = new();

    /// <summary>None of them still needs anything below this revision; some begin further on (<see cref="Watcher.Next"/>).</summary>
    public long Next { get; set; } = next;

    /// <summary>When it was read for last, counted in steps.</summary>
    public long LastStep { get; set; }

    public bool IsEmpty => _index.Count == 0;

    public IEnumerable<Watcher> Watchers => _index.All;

    public void Add(Watcher watcher)
    {
        watcher.Cohort = this;
        watcher.HasFallenOut = false;
        _index.Add(watcher);
    }

    public void Remove(Watcher watcher)
    {
        watcher.Cohort = null;
        watcher.Next = Math.Max(watcher.Next, Next);
        _index.Remove(watcher);
    }

    /// <summary>One cohort of two that stand at the same place. The larger takes the smaller in.</summary>
    public static Cohort Join(Cohort left, Cohort right)
    {
        var (larger, smaller) = left._index.Count >= right._index.Count ? (left, right) : (right, left);
        foreach (var watcher in smaller.Watchers) larger.Add(watcher);
        larger.LastStep = Math.Min(left.LastStep, right.LastStep);
        return larger;
    }

    /// <summary>Adds to a list all who want to be told of a change.</summary>
    public void Find(ReadOnlySpan<byte> key, long revision, bool isDelete, List<Watcher> found)
    {
        var first = found.Count;
        _index.Find(key, found);
        var kept = first;
        for (var at = first; at < found.Count; at++)
            if (found[at].Next <= revision && found[at].Wants(isDelete)) found[kept++] = found[at];
        found.RemoveRange(kept, found.Count - kept);
    }
}
