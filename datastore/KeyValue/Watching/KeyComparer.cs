using Google.Protobuf;

namespace Raft.KeyValue.Watching;

/// <summary>User keys by their bytes; a key can be looked for where it lies, without a copy.</summary>
internal sealed class KeyComparer : IEqualityComparer<ByteString>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ByteString>
{
    public static readonly KeyComparer Instance = new();

    public bool Equals(ByteString? left, ByteString? right) => left is null ? right is null : right is not null && left.Span.SequenceEqual(right.Span);

    public int GetHashCode(ByteString key) => GetHashCode(key.Span);

    public bool Equals(ReadOnlySpan<byte> alternate, ByteString other) => alternate.SequenceEqual(other.Span);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = new HashCode();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public ByteString Create(ReadOnlySpan<byte> alternate) => ByteString.CopyFrom(alternate);
}
