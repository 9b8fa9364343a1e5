using Raft.KeyValue.Ports;
using Raft.KeyValue.Reading;

namespace Raft.KeyValue.Writing;

/// <summary>
/// Changes not yet written, laid over the committed state: a transaction reads through it and so sees its own writes.
/// Point lookups go through a hash table; the order of the keys is worked out only when somebody opens a cursor.
/// It is used for one transaction after the other, since its tables would be the larger part of what a small one needs.
/// </summary>
internal sealed class Overlay : IStateReader
{
    private const int KeptWritesMax = 10_000;

    private OrderedBatch _writes = new();
    private Dictionary<ReadOnlyMemory<byte>, int> _places = new(BytesComparer.Instance);
    private CommittedReader _committed = null!;
    private int[] _sorted = [];

    public bool IsEmpty => _writes.Count == 0;

    /// <summary>
    /// The last write of every key, in the order of the keys: a store that keeps them in order finds the place of each from that of
    /// the one before. It ends the use of this overlay until the next <see cref="Begin"/>.
    /// </summary>
    public OrderedBatch TakeBatch()
    {
        _places.Clear();
        _writes.SortByKey();
        return _writes;
    }

    /// <summary>Forgets all changes and begins anew.</summary>
    public void Begin(CommittedReader committed)
    {
        if (_writes.Count > KeptWritesMax)
        {
            // One huge transaction shall not hold memory for ever.
            (_writes, _places) = (new(), new(BytesComparer.Instance));
        }
        _writes.Clear();
        _places.Clear();
        (_committed, _sorted) = (committed, []);
    }

    /// <summary>Sets a key. The memory of both must not change any more.</summary>
    public void Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) => Add(new(OrderedWriteKind.Put, key, value));

    public void Delete(ReadOnlyMemory<byte> key) => Add(new(OrderedWriteKind.Delete, key, default));

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> value)
    {
        if (!_places.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var place)) return _committed.TryGet(key, out value);
        value = _writes[place].Value;
        return _writes[place].Kind == OrderedWriteKind.Put;
    }

    public IForwardCursor OpenCursor()
    {
        var below = _committed.OpenCursor();
        if (IsEmpty) return below;
        Sort();
        return new OverlayCursor(_writes, _sorted, below);
    }

    private void Add(OrderedWrite write)
    {
        if (_places.TryAdd(write.Key, _writes.Count)) _writes.Add(write);
        else _writes[_places[write.Key]] = write;
    }

    /// <summary>Sorts the keys that are new since the last time and merges them in: n commands with a range each stay cheap.</summary>
    private void Sort()
    {
        var known = _sorted.Length;
        if (known == _writes.Count) return;
        var added = new int[_writes.Count - known];
        for (var at = 0; at < added.Length; at++) added[at] = known + at;
        Array.Sort(added, Compare);

        var merged = new int[_writes.Count];
        for (var (at, left, right) = (0, 0, 0); at < merged.Length; at++)
        {
            var takeLeft = right == added.Length || (left < known && Compare(_sorted[left], added[right]) < 0);
            merged[at] = takeLeft ? _sorted[left++] : added[right++];
        }
        _sorted = merged;
    }

    private int Compare(int left, int right) => _writes[left].Key.Span.SequenceCompareTo(_writes[right].Key.Span);

    /// <summary>Keys by their bytes, found also by a span.</summary>
    private sealed class BytesComparer
        : IEqualityComparer<ReadOnlyMemory<byte>>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ReadOnlyMemory<byte>>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(ReadOnlyMemory<byte> left, ReadOnlyMemory<byte> right) => left.Span.SequenceEqual(right.Span);

        public int GetHashCode(ReadOnlyMemory<byte> key) => GetHashCode(key.Span);

        public bool Equals(ReadOnlySpan<byte> alternate, ReadOnlyMemory<byte> other) => alternate.SequenceEqual(other.Span);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public ReadOnlyMemory<byte> Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
