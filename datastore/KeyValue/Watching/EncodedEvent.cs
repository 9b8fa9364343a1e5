using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>
/// One change in the form in which it travels: the bytes of a <c>WatchResponse.events</c> field, tag and length included. Made
/// once for all its watchers, in the form without the previous pair, and in the form with it if somebody asks for that.
/// </summary>
/// <param name="source">The change.</param>
public sealed class EncodedEvent(StoreEvent source)
{
    private const byte EventsTag = (11 << 3) | 2;
    private const byte TypeTag = 1 << 3;
    private const byte PairTag = (2 << 3) | 2;
    private const byte PreviousTag = (3 << 3) | 2;

    private byte[]? _plain;
    private byte[]? _withPrevious;

    /// <summary>The revision of the change.</summary>
    public long Revision => source.Revision;

    /// <summary>Put or delete.</summary>
    public Event.Types.EventType Type => source.Type;

    /// <summary>The key that changed.</summary>
    public ReadOnlySpan<byte> Key => source.Key;

    /// <summary>The field's bytes.</summary>
    public ReadOnlyMemory<byte> Field(bool withPrevious) => withPrevious && !source.Previous.IsEmpty
        ? _withPrevious ??= Encode(source.Previous.Span)
        : _plain ??= Encode(previous: default);

    private byte[] Encode(ReadOnlySpan<byte> previous)
    {
        var isDelete = source.Type == Event.Types.EventType.Delete;
        var length = (isDelete ? 2 : 0) + BytesLength(source.Pair.Length) + (previous.IsEmpty ? 0 : BytesLength(previous.Length));
        var field = new byte[BytesLength(length)];
        var target = field.AsSpan();
        WriteHead(ref target, EventsTag, length);
        if (isDelete)
        {
            target[0] = TypeTag;
            target[1] = (byte)Event.Types.EventType.Delete;
            target = target[2..];
        }
        WriteBytes(ref target, PairTag, source.Pair.Span);
        if (!previous.IsEmpty) WriteBytes(ref target, PreviousTag, previous);
        return field;
    }

    private static int BytesLength(int bytes) => 1 + CodedOutputStream.ComputeLengthSize(bytes) + bytes;

    private static void WriteBytes(ref Span<byte> target, byte tag, ReadOnlySpan<byte> bytes)
    {
        WriteHead(ref target, tag, bytes.Length);
        bytes.CopyTo(target);
        target = target[bytes.Length..];
    }

    private static void WriteHead(ref Span<byte> target, byte tag, int length)
    {
        target[0] = tag;
        target = target[1..];
        StoredPair.WriteVarint(ref target, (ulong)length);
    }
}
