using Google.Protobuf;

namespace Raft.KeyValue.Watching;

/// <summary>
/// The keys that somebody watches, by etcd's convention: no end is one key, an end of one zero byte is every key from the first on;
/// and, of watches alone, no key is the first key there can be.
/// </summary>
/// <param name="First">The first key, or the only one.</param>
/// <param name="End">The key after the last; null: there is no last.</param>
/// <param name="IsOneKey">Just the first key.</param>
internal readonly record struct WatchedRange(ByteString First, ByteString? End, bool IsOneKey)
{
    private static readonly ByteString Zero = ByteString.CopyFrom(0);

    public static WatchedRange Of(ByteString key, ByteString rangeEnd) => new(
        key.IsEmpty ? Zero : key,
        rangeEnd is [0] ? null : rangeEnd,
        rangeEnd.IsEmpty);

    /// <summary>Bytes of key and end.</summary>
    public int Bytes => First.Length + (End?.Length ?? 0);

    public bool IsEmpty => !IsOneKey && End is { } end && First.Span.SequenceCompareTo(end.Span) >= 0;

    public bool Contains(ReadOnlySpan<byte> key) => IsOneKey
        ? key.SequenceEqual(First.Span)
        : key.SequenceCompareTo(First.Span) >= 0 && (End is null || key.SequenceCompareTo(End.Span) < 0);
}
