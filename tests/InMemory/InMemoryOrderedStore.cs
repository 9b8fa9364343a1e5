using System.Collections.Immutable;
using Raft.KeyValue.Ports;

namespace Raft.InMemory;

/// <summary>
/// The ordered store for tests: an immutable sorted tree that is swapped whole, so that a view, and a copy of the whole store
/// for a simulated crash, is one reference. Keys and values are copied on the way in and out, as a disk would.
/// </summary>
public sealed class InMemoryOrderedStore : IOrderedStore
{
    private volatile ImmutableSortedSet<Entry> _entries = ImmutableSortedSet.Create<Entry>(KeyOrder.Instance);

    /// <summary>An empty store.</summary>
    public InMemoryOrderedStore()
    {
    }

    private InMemoryOrderedStore(ImmutableSortedSet<Entry> entries) => _entries = entries;

    /// <summary>All content, in key order.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> Content => _entries.Select(entry => (entry.Key, entry.Value));

    /// <summary>A store of its own with the same content.</summary>
    public InMemoryOrderedStore Clone() => new(_entries);

    /// <summary>Takes over the content of another store, as a snapshot does.</summary>
    public void ReplaceWith(InMemoryOrderedStore other) => _entries = other._entries;

    /// <inheritdoc/>
    public IOrderedReader OpenView() => new InMemoryOrderedStore(_entries);

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        var entries = _entries;
        return entries.TryGetValue(new Entry(key.ToArray(), []), out var found) ? [.. found.Value] : null;
    }

    /// <inheritdoc/>
    public IOrderedCursor OpenCursor() => new Cursor(_entries);

    /// <inheritdoc/>
    public void Write(OrderedBatch batch)
    {
        var entries = _entries.ToBuilder();
        foreach (var write in batch.Writes)
        {
            var entry = new Entry(write.Key.ToArray(), write.Value.ToArray());
            switch (write.Kind)
            {
                case OrderedWriteKind.Put:
                    entries.Remove(entry);
                    entries.Add(entry);
                    break;
                case OrderedWriteKind.Delete:
                    entries.Remove(entry);
                    break;
                case OrderedWriteKind.DeleteRange:
                    RemoveRange(entries, entry.Key, until: entry.Value);
                    break;
                default:
                    throw new ArgumentException($"A batch holds a write of the unknown kind {write.Kind}.", nameof(batch));
            }
        }
        _entries = entries.ToImmutable();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static void RemoveRange(ImmutableSortedSet<Entry>.Builder entries, byte[] from, byte[] until)
    {
        var cursor = new Cursor(entries.ToImmutable());
        for (var stands = cursor.SeekAtOrAfter(from); stands && cursor.Key.SequenceCompareTo(until) < 0; stands = cursor.MoveNext())
            entries.Remove(new Entry(cursor.Key.ToArray(), []));
    }

    private readonly record struct Entry(byte[] Key, byte[] Value);

    private sealed class KeyOrder : IComparer<Entry>
    {
        public static readonly KeyOrder Instance = new();

        public int Compare(Entry x, Entry y) => x.Key.AsSpan().SequenceCompareTo(y.Key);
    }

    private sealed class Cursor(ImmutableSortedSet<Entry> entries) : IOrderedCursor
    {
        private int _place = -1;

        public ReadOnlySpan<byte> Key => entries[_place].Key;

        public ReadOnlySpan<byte> Value => entries[_place].Value;

        public bool SeekAtOrAfter(ReadOnlySpan<byte> key)
        {
            var found = entries.IndexOf(new Entry(key.ToArray(), []));
            return StandOn(found >= 0 ? found : ~found);
        }

        public bool SeekAtOrBefore(ReadOnlySpan<byte> key)
        {
            var found = entries.IndexOf(new Entry(key.ToArray(), []));
            return StandOn(found >= 0 ? found : ~found - 1);
        }

        public bool MoveNext() => StandOn(_place + 1);

        public bool MovePrevious() => StandOn(_place - 1);

        public void Dispose()
        {
        }

        private bool StandOn(int place)
        {
            _place = place;
            return place >= 0 && place < entries.Count;
        }
    }
}
