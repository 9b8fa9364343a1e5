using Google.Protobuf;

namespace Raft.KeyValue.Watching;

/// <summary>
/// Finds who watches a key, in time that grows with the number of those who do: single keys by hash; ranges in an interval tree,
/// laid out as a sorted array in which every node knows the greatest end below it. The tree is built anew when the first event
/// after a change of the ranges comes: many watchers of one range are one node, so that is seldom.
/// </summary>
internal sealed class WatchIndex
{
    private readonly Dictionary<ByteString, HashSet<Watcher>> _keys = [];
    private readonly Dictionary<ByteString, HashSet<Watcher>>.AlternateLookup<ReadOnlySpan<byte>> _keysBySpan;
    private readonly Dictionary<WatchedRange, HashSet<Watcher>> _ranges = [];
    private Node[]? _tree;

    public WatchIndex()
    {
        _keys = new(KeyComparer.Instance);
        _keysBySpan = _keys.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>How many it knows.</summary>
    public int Count { get; private set; }

    /// <summary>All that it knows; it must not change meanwhile.</summary>
    public IEnumerable<Watcher> All => _keys.Values.Concat(_ranges.Values).SelectMany(static watchers => watchers);

    public void Add(Watcher watcher)
    {
        Count++;
        if (watcher.Range.IsOneKey)
        {
            if (!_keys.TryGetValue(watcher.Range.First, out var watchers)) _keys.Add(watcher.Range.First, watchers = []);
            watchers.Add(watcher);
            return;
        }
        if (!_ranges.TryGetValue(watcher.Range, out var ranged))
        {
            _ranges.Add(watcher.Range, ranged = []);
            _tree = null;
        }
        ranged.Add(watcher);
    }

    public void Remove(Watcher watcher)
    {
        if (watcher.Range.IsOneKey)
        {
            if (!_keys.TryGetValue(watcher.Range.First, out var watchers) || !watchers.Remove(watcher)) return;
            if (watchers.Count == 0) _keys.Remove(watcher.Range.First);
        }
        else
        {
            if (!_ranges.TryGetValue(watcher.Range, out var ranged) || !ranged.Remove(watcher)) return;
            if (ranged.Count == 0)
            {
                _ranges.Remove(watcher.Range);
                _tree = null;
            }
        }
        Count--;
    }

    /// <summary>Adds to a list all who watch a key.</summary>
    public void Find(ReadOnlySpan<byte> key, List<Watcher> found)
    {
        if (_keysBySpan.TryGetValue(key, out var watchers)) found.AddRange(watchers);
        if (_ranges.Count == 0) return;
        var tree = _tree ??= Build();
        Find(tree, 0, tree.Length, key, found);
    }

    private static void Find(Node[] tree, int from, int until, ReadOnlySpan<byte> key, List<Watcher> found)
    {
        while (from < until)
        {
            var middle = (from + until) >>> 1;
            var node = tree[middle];
            if (node.GreatestEnd is { } greatest && key.SequenceCompareTo(greatest.Span) >= 0) return;
            Find(tree, from, middle, key, found);
            if (key.SequenceCompareTo(node.Range.First.Span) < 0) return;
            if (node.Range.Contains(key)) found.AddRange(node.Watchers);
            from = middle + 1;
        }
    }

    private Node[] Build()
    {
        var tree = _ranges.Select(static entry => new Node(entry.Key, entry.Value)).ToArray();
        Array.Sort(tree, static (left, right) => left.Range.First.Span.SequenceCompareTo(right.Range.First.Span));
        SetGreatestEnds(tree, 0, tree.Length);
        return tree;
    }

    /// <returns>The greatest end from one place to another; null: some range has none.</returns>
    private static ByteString? SetGreatestEnds(Node[] tree, int from, int until)
    {
        if (from >= until) return ByteString.Empty;
        var middle = (from + until) >>> 1;
        var below = Greater(SetGreatestEnds(tree, from, middle), SetGreatestEnds(tree, middle + 1, until));
        return tree[middle].GreatestEnd = Greater(below, tree[middle].Range.End);
    }

    private static ByteString? Greater(ByteString? left, ByteString? right) =>
        left is null || right is null ? null
        : left.Span.SequenceCompareTo(right.Span) >= 0 ? left : right;

    private sealed class Node(WatchedRange range, HashSet<Watcher> watchers)
    {
        public WatchedRange Range => range;

        public HashSet<Watcher> Watchers => watchers;

        /// <summary>Of this node and all below it; null: some range has no end.</summary>
        public ByteString? GreatestEnd { get; set; }
    }
}
