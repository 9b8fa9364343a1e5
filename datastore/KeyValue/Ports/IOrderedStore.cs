using System.Runtime.InteropServices;

namespace Raft.KeyValue.Ports;

/// <summary>
/// The port below the state machine: bytes in the order of their keys (unsigned, lexicographic), written in atomic batches.
/// One writer at a time; any number of readers at any time.
/// </summary>
public interface IOrderedStore : IOrderedReader
{
    /// <summary>A view that stays as it is now; usable from any thread until disposed.</summary>
    IOrderedReader OpenView();

    /// <summary>Makes all of the batch visible at once. After a crash a prefix of the written batches is there, each whole.</summary>
    void Write(OrderedBatch batch);
}

/// <summary>Reads of an ordered store.</summary>
public interface IOrderedReader : IDisposable
{
    /// <summary>The value of a key, or null.</summary>
    byte[]? Get(ReadOnlySpan<byte> key);

    /// <summary>A cursor that stands nowhere until it is moved. It sees the store as it was when it was opened.</summary>
    IOrderedCursor OpenCursor();
}

/// <summary>Walks the keys in order. Key and value are valid until the next move.</summary>
public interface IOrderedCursor : IDisposable
{
    /// <summary>Moves to the first key at or after this one. False: there is none.</summary>
    bool SeekAtOrAfter(ReadOnlySpan<byte> key);

    /// <summary>Moves to the last key at or before this one. False: there is none.</summary>
    bool SeekAtOrBefore(ReadOnlySpan<byte> key);

    /// <summary>Moves to the next key. False: there is none.</summary>
    bool MoveNext();

    /// <summary>Moves to the key before. False: there is none.</summary>
    bool MovePrevious();

    /// <summary>The key it stands on.</summary>
    ReadOnlySpan<byte> Key { get; }

    /// <summary>The value it stands on.</summary>
    ReadOnlySpan<byte> Value { get; }
}

/// <summary>Changes that become visible together, in the order given.</summary>
public sealed class OrderedBatch
{
    private readonly List<OrderedWrite> _writes = [];

    /// <summary>The changes so far.</summary>
    public IReadOnlyList<OrderedWrite> Writes => _writes;

    /// <summary>The changes so far, until the next is added: quicker to walk.</summary>
    public ReadOnlySpan<OrderedWrite> Span => CollectionsMarshal.AsSpan(_writes);

    internal int Count => _writes.Count;

    internal OrderedWrite this[int place]
    {
        get => _writes[place];
        set => _writes[place] = value;
    }

    /// <summary>Sets a key.</summary>
    public void Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) => _writes.Add(new(OrderedWriteKind.Put, key, value));

    /// <summary>Removes a key, if it is there.</summary>
    public void Delete(ReadOnlyMemory<byte> key) => _writes.Add(new(OrderedWriteKind.Delete, key, default));

    /// <summary>Removes every key from the first (inclusive) to the last (exclusive).</summary>
    public void DeleteRange(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> until) =>
        _writes.Add(new(OrderedWriteKind.DeleteRange, from, until));

    internal void Add(OrderedWrite write) => _writes.Add(write);

    /// <summary>Only where no key is written twice.</summary>
    internal void SortByKey() => CollectionsMarshal.AsSpan(_writes).Sort(static (left, right) => left.Key.Span.SequenceCompareTo(right.Key.Span));

    /// <summary>Forgets all changes, so that the batch can be filled again.</summary>
    public void Clear() => _writes.Clear();
}

/// <summary>What a write does.</summary>
public enum OrderedWriteKind : byte
{
    /// <summary>Sets key to value.</summary>
    Put,

    /// <summary>Removes key.</summary>
    Delete,

    /// <summary>Removes from key (inclusive) to value (exclusive).</summary>
    DeleteRange,
}

/// <summary>One change of a batch.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Key">The key, or the first key of a range.</param>
/// <param name="Value">The value, or the key after the last of a range.</param>
public readonly record struct OrderedWrite(OrderedWriteKind Kind, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);
