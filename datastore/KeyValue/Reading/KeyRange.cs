using Google.Protobuf;
using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>The keys that a request names, by etcd's convention for range_end.</summary>
internal readonly ref struct KeyRange
{
    private readonly ByteString _end;

    public KeyRange(ByteString key, ByteString end)
    {
        First = key.Span;
        _end = end;
    }

    /// <summary>The first key, or the only one.</summary>
    public ReadOnlySpan<byte> First { get; }

    /// <summary>An empty end names one key.</summary>
    public bool IsOneKey => _end.IsEmpty;

    /// <summary>An end of one zero byte names every key from the first on.</summary>
    public bool IsOpen => _end is [0];

    public bool IsEmpty => !IsOneKey && !IsOpen && First.SequenceCompareTo(_end.Span) >= 0;

    /// <summary>Where the range ends in keyspace k, exclusive.</summary>
    public byte[] NewestEnd() => IsOpen ? KeyLayout.EndOf(KeyLayout.Newest) : KeyLayout.NewestKey(_end.Span);
}
