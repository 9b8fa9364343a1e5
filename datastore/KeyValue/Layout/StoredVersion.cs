using System.Buffers.Binary;

namespace Raft.KeyValue.Layout;

/// <summary>
/// One version of a key: its pair or, of a deleted key, its tombstone (a pair with nothing but the key and the revision of the delete), and
/// behind it what finds the versions before:
/// <code>
///   sub revision, 4 bytes   with mod_revision the place in keyspace H of the change that made this version
///   age, 1 byte             how many changes of the key the last indexed one is back; the highest bit marks a tombstone
/// </code>
/// </summary>
internal static class StoredVersion
{
    /// <summary>Each so many changes of a key one is indexed: how many steps back a version of long ago is from a place that is known.</summary>
    public const int IndexInterval = 16;

    public const int TrailerLength = sizeof(int) + 1;

    private const byte TombstoneBit = 0x80;

    public static ReadOnlySpan<byte> PairOf(ReadOnlySpan<byte> version) => version[..^TrailerLength];

    public static ReadOnlyMemory<byte> PairOf(ReadOnlyMemory<byte> version) => version[..^TrailerLength];

    public static bool IsTombstone(ReadOnlySpan<byte> version) => (version[^1] & TombstoneBit) != 0;

    /// <summary>False also of the empty version, which is none.</summary>
    public static bool IsLiving(ReadOnlySpan<byte> version) => !version.IsEmpty && !IsTombstone(version);

    public static int AgeOf(ReadOnlySpan<byte> version) => version[^1] & ~TombstoneBit;

    public static ChangePosition PositionOf(ReadOnlySpan<byte> version) =>
        new(new StoredPair(PairOf(version)).ModRevision, BinaryPrimitives.ReadInt32BigEndian(version[^TrailerLength..]));

    /// <summary>Completes a version whose pair is written already.</summary>
    public static void WriteTrailer(Span<byte> version, int sub, int age, bool isTombstone)
    {
        BinaryPrimitives.WriteInt32BigEndian(version[^TrailerLength..], sub);
        version[^1] = (byte)(age | (isTombstone ? TombstoneBit : 0));
    }
}
