using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>Walks the pairs of a range in key order, as they are at one revision.</summary>
internal interface IPairScan : IDisposable
{
    /// <summary>Moves to the next pair. False: there is none.</summary>
    bool MoveNext();

    /// <summary>The encoded pair; valid until the next move.</summary>
    ReadOnlySpan<byte> Pair { get; }
}

/// <summary>The present: a plain walk over keyspace k.</summary>
internal sealed class PresentScan(IStateReader reader, KeyRange range) : IPairScan
{
    private readonly byte[] _first = KeyLayout.LivingKey(range.First);
    private readonly byte[] _end = range.LivingEnd();
    private readonly IForwardCursor _cursor = reader.OpenCursor();
    private bool _started;

    public ReadOnlySpan<byte> Pair => _cursor.Value;

    public bool MoveNext()
    {
        var stands = _started ? _cursor.MoveNext() : _cursor.SeekAtOrAfter(_first);
        _started = true;
        return stands && _cursor.Key.SequenceCompareTo(_end) < 0;
    }

    public void Dispose() => _cursor.Dispose();
}
