namespace Raft.KeyValue.Layout;

/// <summary>
/// What one change did, read where it lies in keyspace H. One byte of traits comes first. The version that the change replaced follows, which
/// names the key too; where there was none, the user key.
/// </summary>
internal readonly ref struct StoredChange
{
    private const byte DeleteBit = 1;
    private const byte IndexedBit = 2;
    private const byte ReplacesBit = 4;

    private readonly byte _traits;
    private readonly ReadOnlySpan<byte> _rest;

    public StoredChange(ReadOnlySpan<byte> record)
    {
        if (record.IsEmpty || record[0] > (DeleteBit | IndexedBit | ReplacesBit))
            throw new InvalidDataException("The record of a change is damaged.");
        _traits = record[0];
        _rest = record[1..];
    }

    /// <summary>A delete; all others are puts.</summary>
    public bool IsDelete => (_traits & DeleteBit) != 0;

    /// <summary>Does keyspace i know of it?</summary>
    public bool IsIndexed => (_traits & IndexedBit) != 0;

    /// <summary>The version that it replaced (<see cref="StoredVersion"/>), a tombstone too; empty: none that is remembered.</summary>
    public ReadOnlySpan<byte> Replaced => (_traits & ReplacesBit) != 0 ? _rest : default;

    public ReadOnlySpan<byte> Key => (_traits & ReplacesBit) != 0 ? new StoredPair(StoredVersion.PairOf(_rest)).Key : _rest;

    /// <summary><see cref="Replaced"/>, of a record in memory that stays.</summary>
    public static ReadOnlyMemory<byte> ReplacedBy(ReadOnlyMemory<byte> record) =>
        new StoredChange(record.Span).Replaced.IsEmpty ? default : record[1..];

    public static int EncodedLength(ReadOnlySpan<byte> key, ReadOnlySpan<byte> replaced) =>
        1 + (replaced.IsEmpty ? key.Length : replaced.Length);

    public static void Encode(Span<byte> target, bool isDelete, bool isIndexed, ReadOnlySpan<byte> key, ReadOnlySpan<byte> replaced)
    {
        target[0] = (byte)((isDelete ? DeleteBit : 0) | (isIndexed ? IndexedBit : 0) | (replaced.IsEmpty ? 0 : ReplacesBit));
        (replaced.IsEmpty ? key : replaced).CopyTo(target[1..]);
    }
}
