using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Reading;

/// <summary>
/// What the rules of reading need: a committed view, or a transaction that sees its own writes. Forward only, because etcd's
/// other orders are sorted after the fetch.
/// </summary>
internal interface IStateReader
{
    /// <summary>Finds a value. The memory stays valid and unchanged.</summary>
    bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> value);

    /// <summary>A cursor over the state as it is now; the state must not change while it is open.</summary>
    IForwardCursor OpenCursor();
}

/// <summary>Walks keys upwards. Key and value are valid until the next move.</summary>
internal interface IForwardCursor : IDisposable
{
    bool SeekAtOrAfter(ReadOnlySpan<byte> key);

    bool MoveNext();

    ReadOnlySpan<byte> Key { get; }

    ReadOnlySpan<byte> Value { get; }
}

/// <summary>Reads an ordered store, or a view of one, and looks for the newest version of a key in memory first.</summary>
/// <param name="reader">The store, or the view.</param>
/// <param name="newest">The newest versions that are in memory.</param>
/// <param name="revision">What the store, or the view, shows as current.</param>
internal sealed class CommittedReader(IOrderedReader reader, VersionCache newest, long revision) : IStateReader
{
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> value)
    {
        var isNewest = VersionCache.Holds(key);
        var found = isNewest ? newest.Get(key, revision) : null;
        if (found is null)
        {
            found = reader.Get(key);
            if (isNewest && found is not null) newest.Found(key, revision, found);
        }
        value = found;
        return found is not null;
    }

    public IForwardCursor OpenCursor() => new Cursor(reader.OpenCursor());

    private sealed class Cursor(IOrderedCursor cursor) : IForwardCursor
    {
        public ReadOnlySpan<byte> Key => cursor.Key;

        public ReadOnlySpan<byte> Value => cursor.Value;

        public bool SeekAtOrAfter(ReadOnlySpan<byte> key) => cursor.SeekAtOrAfter(key);

        public bool MoveNext() => cursor.MoveNext();

        public void Dispose() => cursor.Dispose();
    }
}
