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
    /// <summary>As version 0.1.0 wrote it, before there were sessions.</summary>
    private const int LengthWithoutSessions = 29;

    /// <summary>As it was before there was authentication.</summary>
    private const int LengthWithoutAuth = LengthWithoutSessions + SessionState.EncodedLength;

    private const int EncodedLength = LengthWithoutAuth + AuthVersion.EncodedLength;

    /// <summary>What an empty store is: etcd counts from revision 1.</summary>
    public static readonly StoreState Blank = new(1, -1, default, ActiveAlarms.None, SessionState.Blank, AuthVersion.Blank);

    /// <summary>Are there versions on disk that no read can reach?</summary>
    public bool HasCompactionWork => NextCompaction.Main <= CompactedRevision;

    /// <summary>
    /// The state after a compaction to a revision. Physical work starts over at the revision compacted before, whose changes
    /// were kept; handling some of them twice does no harm.
    /// </summary>
    public StoreState CompactedTo(long revision) => this with
    {
        NextCompaction = new(Math.Max(0, Math.Min(NextCompaction.Main, CompactedRevision)), 0),
        CompactedRevision = revision,
    };

    public static StoreState Read(IOrderedReader reader) => reader.Get(KeyLayout.State.Span) is { } record ? Decode(record) : Blank;

    public byte[] Encode()
    {
        var record = new byte[EncodedLength];
        BinaryPrimitives.WriteInt64BigEndian(record, Revision);
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(8), CompactedRevision);
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(16), NextCompaction.Main);
        BinaryPrimitives.WriteInt32BigEndian(record.AsSpan(24), NextCompaction.Sub);
        record[28] = (byte)Alarms;
        Sessions.Encode(record.AsSpan(LengthWithoutSessions));
        Auth.Encode(record.AsSpan(LengthWithoutAuth));
        return record;
    }

    private static StoreState Decode(ReadOnlySpan<byte> record) => record.Length is EncodedLength or LengthWithoutAuth or LengthWithoutSessions
        ? new(
            BinaryPrimitives.ReadInt64BigEndian(record),
            BinaryPrimitives.ReadInt64BigEndian(record[8..]),
            new(BinaryPrimitives.ReadInt64BigEndian(record[16..]), BinaryPrimitives.ReadInt32BigEndian(record[24..])),
            (ActiveAlarms)record[28],
            record.Length >= LengthWithoutAuth ? SessionState.Decode(record[LengthWithoutSessions..]) : SessionState.Blank,
            record.Length == EncodedLength ? AuthVersion.Decode(record[LengthWithoutAuth..]) : AuthVersion.Blank)
        : throw new InvalidDataException($"The store's state record has {record.Length} bytes instead of {EncodedLength}.");
}
