using System.Buffers.Binary;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Layout;

/// <summary>Alarms that are active on some member, as flags: what every request has to be checked against.</summary>
[Flags]
internal enum ActiveAlarms : byte
{
    None = 0,
    NoSpace = 1,
    Corrupt = 2,
}

/// <summary>The few numbers that say where the store stands, kept in one record so that one read gives a consistent set.</summary>
/// <param name="Revision">Of the last change.</param>
/// <param name="CompactedRevision">The oldest revision that can be read; -1 before the first compaction.</param>
/// <param name="NextCompaction">The first change that physical compaction has not handled yet. Members differ in it; nothing that
/// a client sees may depend on it.</param>
/// <param name="Alarms">Alarms active on any member.</param>
/// <param name="Sessions">Clock and counters of the sessions.</param>
/// <param name="Auth">Which users and roles hold.</param>
internal readonly record struct StoreState(
    long Revision, long CompactedRevision, ChangePosition NextCompaction, ActiveAlarms Alarms, SessionState Sessions, AuthVersion Auth)
{
    /// <summary>Of all that lies in the store (<see cref="KeyLayout"/>): what is written otherwise has another one.</summary>
    private const byte Format = 3;

    private const int SessionsAt = 30;

    private const int AuthAt = SessionsAt + SessionState.EncodedLength;

    private const int EncodedLength = AuthAt + AuthVersion.EncodedLength;

    /// <summary>What an empty store is: etcd counts from revision 1.</summary>
    public static readonly StoreState Blank = new(1, -1, default, ActiveAlarms.None, SessionState.Blank, AuthVersion.Blank);

    /// <summary>Are there versions on disk that no read can reach?</summary>
    public bool HasCompactionWork => NextCompaction.Main < CompactedRevision;

    /// <summary>The state after a compaction to a revision.</summary>
    public StoreState CompactedTo(long revision) => this with { CompactedRevision = revision };

    public static StoreState Read(IOrderedReader reader) => reader.Get(KeyLayout.State.Span) is { } record ? Decode(record) : Blank;

    public byte[] Encode()
    {
        var record = new byte[EncodedLength];
        record[0] = Format;
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(1), Revision);
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(9), CompactedRevision);
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(17), NextCompaction.Main);
        BinaryPrimitives.WriteInt32BigEndian(record.AsSpan(25), NextCompaction.Sub);
        record[29] = (byte)Alarms;
        Sessions.Encode(record.AsSpan(SessionsAt));
        Auth.Encode(record.AsSpan(AuthAt));
        return record;
    }

    private static StoreState Decode(ReadOnlySpan<byte> record) => record.Length == EncodedLength && record[0] == Format
        ? new(
            BinaryPrimitives.ReadInt64BigEndian(record[1..]),
            BinaryPrimitives.ReadInt64BigEndian(record[9..]),
            new(BinaryPrimitives.ReadInt64BigEndian(record[17..]), BinaryPrimitives.ReadInt32BigEndian(record[25..])),
            (ActiveAlarms)record[29],
            SessionState.Decode(record[SessionsAt..]),
            AuthVersion.Decode(record[AuthAt..]))
        : throw new InvalidDataException(
            $"The store's state record has {record.Length} bytes and begins with {(record.IsEmpty ? 0 : record[0])}; this version reads "
            + $"{EncodedLength} bytes that begin with {Format}. Was it written by another version? Use that one, or remove the member from the "
            + "cluster and add it again with an empty data directory.");
}
