using Google.Protobuf;
using PairMessage = Raft.Protocol.Etcd.KeyValue;

namespace Raft.KeyValue.Layout;

/// <summary>
/// Reads a pair where it lies, without making objects of it. A pair is stored as protobuf's canonical encoding of
/// <c>mvccpb.KeyValue</c>: fields in the order of their numbers, zeros left out.
/// </summary>
internal readonly ref struct StoredPair
{
    private const byte KeyTag = 0x0A;
    private const byte CreateRevisionTag = 0x10;
    private const byte ModRevisionTag = 0x18;
    private const byte VersionTag = 0x20;
    private const byte ValueTag = 0x2A;
    private const byte LeaseTag = 0x30;

    public StoredPair(ReadOnlySpan<byte> encoded)
    {
        while (!encoded.IsEmpty)
        {
            var tag = encoded[0];
            encoded = encoded[1..];
            var number = ReadVarint(ref encoded);
            switch (tag)
            {
                case KeyTag: Key = Take(ref encoded, number); break;
                case ValueTag: Value = Take(ref encoded, number); break;
                case CreateRevisionTag: CreateRevision = (long)number; break;
                case ModRevisionTag: ModRevision = (long)number; break;
                case VersionTag: Version = (long)number; break;
                case LeaseTag: Lease = (long)number; break;
                default: throw new InvalidDataException($"A stored pair holds an unknown field with tag {tag}.");
            }
        }
    }

    public ReadOnlySpan<byte> Key { get; }

    public long CreateRevision { get; }

    public long ModRevision { get; }

    public long Version { get; }

    public ReadOnlySpan<byte> Value { get; }

    public long Lease { get; }

    /// <summary>The message that clients get.</summary>
    public PairMessage ToMessage(bool keyOnly = false) => new()
    {
        Key = ByteString.CopyFrom(Key),
        CreateRevision = CreateRevision,
        ModRevision = ModRevision,
        Version = Version,
        Value = keyOnly ? ByteString.Empty : ByteString.CopyFrom(Value),
        Lease = Lease,
    };

    public static int EncodedLength(
        ReadOnlySpan<byte> key, long createRevision, long modRevision, long version, ReadOnlySpan<byte> value, long lease) =>
        BytesLength(key) + NumberLength(createRevision) + NumberLength(modRevision) + NumberLength(version) + BytesLength(value)
        + NumberLength(lease);

    /// <summary>Fills a span of exactly <see cref="EncodedLength"/>.</summary>
    public static void Encode(
        Span<byte> target, ReadOnlySpan<byte> key, long createRevision, long modRevision, long version, ReadOnlySpan<byte> value,
        long lease)
    {
        WriteBytes(ref target, KeyTag, key);
        WriteNumber(ref target, CreateRevisionTag, createRevision);
        WriteNumber(ref target, ModRevisionTag, modRevision);
        WriteNumber(ref target, VersionTag, version);
        WriteBytes(ref target, ValueTag, value);
        WriteNumber(ref target, LeaseTag, lease);
    }

    private static int BytesLength(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty ? 0 : 1 + CodedOutputStream.ComputeUInt64Size((ulong)bytes.Length) + bytes.Length;

    private static int NumberLength(long number) => number == 0 ? 0 : 1 + CodedOutputStream.ComputeInt64Size(number);

    private static void WriteBytes(ref Span<byte> target, byte tag, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        target[0] = tag;
        target = target[1..];
        WriteVarint(ref target, (ulong)bytes.Length);
        bytes.CopyTo(target);
        target = target[bytes.Length..];
    }

    private static void WriteNumber(ref Span<byte> target, byte tag, long number)
    {
        if (number == 0) return;
        target[0] = tag;
        target = target[1..];
        WriteVarint(ref target, (ulong)number);
    }

    public static void WriteVarint(ref Span<byte> target, ulong number)
    {
        var length = 0;
        for (; number >= 0x80; number >>= 7) target[length++] = (byte)(number | 0x80);
        target[length++] = (byte)number;
        target = target[length..];
    }

    private static ulong ReadVarint(scoped ref ReadOnlySpan<byte> source)
    {
        var number = 0ul;
        for (var (at, shift) = (0, 0); at < source.Length && shift < 64; at++, shift += 7)
        {
            number |= (ulong)(source[at] & 0x7F) << shift;
            if (source[at] < 0x80)
            {
                source = source[(at + 1)..];
                return number;
            }
        }
        throw new InvalidDataException("A stored pair ends inside a number.");
    }

    private static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> source, ulong length)
    {
        if (length > (ulong)source.Length) throw new InvalidDataException("A stored pair ends inside a field.");
        var taken = source[..(int)length];
        source = source[(int)length..];
        return taken;
    }
}
