using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>Walks the newest versions of a range in key order, tombstones too: a plain walk over keyspace k.</summary>
internal sealed class VersionScan(IStateReader reader, KeyRange range) : IDisposable
{
    private readonly byte[] _first = KeyLayout.NewestKey(range.First);
    private readonly byte[] _end = range.NewestEnd();
    private readonly IForwardCursor _cursor = reader.OpenCursor();
    private bool _started;

    /// <summary>Valid until the next move.</summary>
    public ReadOnlySpan<byte> Version => _cursor.Value;

    public bool MoveNext()
    {
        var stands = _started ? _cursor.MoveNext() : _cursor.SeekAtOrAfter(_first);
        _started = true;
        return stands && _cursor.Key.SequenceCompareTo(_end) < 0;
    }

    public void Dispose() => _cursor.Dispose();
}
