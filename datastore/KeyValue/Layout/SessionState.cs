using System.Buffers.Binary;

namespace Raft.KeyValue.Layout;

/// <summary>What is true of all sessions together; part of <see cref="StoreState"/>, so that no command has to read it.</summary>
/// <param name="ClockUnixMs">
/// The state machine's own clock: the latest time of any command applied so far. It goes back only when it turns out to have been
/// far ahead (<see cref="Sessions.SessionTable"/>), and is the same on every member that has applied the same commands.
/// </param>
/// <param name="LastId">The last session id given.</param>
/// <param name="Count">Sessions stored, those included that have expired but not been removed.</param>
/// <param name="AnswerBytes">Bytes of answers stored, of all sessions.</param>
/// <param name="NextExpiryUnixMs">No session is filed to expire before this time.</param>
internal readonly record struct SessionState(long ClockUnixMs, ulong LastId, int Count, long AnswerBytes, long NextExpiryUnixMs)
{
    public const int EncodedLength = 36;

    public static readonly SessionState Blank = new(0, 0, 0, 0, long.MaxValue);

    public void Encode(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, ClockUnixMs);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], LastId);
        BinaryPrimitives.WriteInt32BigEndian(target[16..], Count);
        BinaryPrimitives.WriteInt64BigEndian(target[20..], AnswerBytes);
        BinaryPrimitives.WriteInt64BigEndian(target[28..], NextExpiryUnixMs);
    }

    public static SessionState Decode(ReadOnlySpan<byte> record) => new(
        BinaryPrimitives.ReadInt64BigEndian(record),
        BinaryPrimitives.ReadUInt64BigEndian(record[8..]),
        BinaryPrimitives.ReadInt32BigEndian(record[16..]),
        BinaryPrimitives.ReadInt64BigEndian(record[20..]),
        BinaryPrimitives.ReadInt64BigEndian(record[28..]));
}
