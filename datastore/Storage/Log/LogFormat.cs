using System.Buffers.Binary;
using Raft.Storage.Disk;

namespace Raft.Storage.Log;

/// <summary>
/// The bytes of the write-ahead log, all little endian.
/// <para>
/// The log is a row of <b>segments</b>, files named by a number that grows by one. A segment is a row of <b>frames</b>,
/// followed by zeros that reserve the space. A frame is what one sync made durable: everything that waited when the disk
/// became free. The next frame is written only after that sync, so a frame that stands behind a damaged one proves that the
/// damaged one was durable once: that is how damage is told from the torn end that a crash may leave.
/// </para>
/// <code>
/// frame   0  u32  magic
///         4  u32  bytes of the body
///         8  u64  frame number: one more than the frame before it, across segments
///        16  u32  checksum of the frame before it: chains the frames
///        20  u32  number of records in the body
///        24  u32  checksum: CRC-32C of bytes 0 to 24, body and end mark, begun with the segment's salt
///        28  u32  checksum of the header: CRC-32C of bytes 0 to 28, begun with the segment's salt
///        32  ...  body: records
///       ...  1-8  end mark: bytes 0xA5 up to a multiple of 8
///
/// record  u8 kind, then
///   1 segment header  u32 format version, u64 cluster id, u64 member id, u32 salt of the frames that follow.
///                     First record of a segment; the frame that holds it has salt 0.
///   2 hard state      u64 term, u64 vote, u64 commit
///   3 entry           u64 term, u64 index, u8 kind, u32 length, data
///   4 snapshot        u64 term, u64 index: the log starts anew after this entry
///   5 discarded       u64 term, u64 index: entries up to this one are in the durable state and may be missing
/// </code>
/// </summary>
internal static class LogFormat
{
    public const uint Version = 1;
    public const uint Magic = 0x31_54_46_52; // "RFT1"
    public const byte EndMark = 0xA5;
    public const int FrameHeaderBytes = 32;
    public const int Alignment = 8;

    public const int SegmentHeaderBytes = 1 + 4 + 8 + 8 + 4;
    public const int HardStateBytes = 1 + 8 + 8 + 8;
    public const int EntryHeaderBytes = 1 + 8 + 8 + 1 + 4;
    public const int EntryIdBytes = 1 + 8 + 8;

    public const string SegmentSuffix = ".log";

    /// <summary>A segment made ahead of time, and one made in a hurry because none was ready; neither has content yet.</summary>
    public const string PreparedName = "prepared" + AtomicFile.TemporarySuffix;
    public const string HurriedName = "next" + AtomicFile.TemporarySuffix;

    public static string SegmentName(ulong number) => $"{number:x16}{SegmentSuffix}";

    /// <summary>The number in a segment's name, or null if it is not the name of a segment.</summary>
    public static ulong? SegmentNumber(string name) =>
        name.Length == 16 + SegmentSuffix.Length
        && name.EndsWith(SegmentSuffix, StringComparison.Ordinal)
        && ulong.TryParse(name.AsSpan(0, 16), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var number)
        && name == SegmentName(number)
            ? number
            : null;

    /// <summary>Bytes of a whole frame with a body of this length: the end mark has one to eight bytes.</summary>
    public static long FrameBytes(uint bodyBytes) => (FrameHeaderBytes + (long)bodyBytes + Alignment) / Alignment * Alignment;

    /// <summary>The checksum of a whole frame, as bytes 24 to 28 hold it.</summary>
    public static uint Checksum(uint salt, ReadOnlySpan<byte> frame) =>
        Crc32C.Append(Crc32C.Append(salt, frame[..24]), frame[FrameHeaderBytes..]);

    /// <summary>The checksum of a header, as bytes 28 to 32 hold it.</summary>
    public static uint HeaderChecksum(uint salt, ReadOnlySpan<byte> frame) => Crc32C.Append(salt, frame[..28]);
}

/// <summary>The first 32 bytes of a frame.</summary>
internal readonly record struct FrameHeader(
    uint Magic, uint BodyBytes, ulong Number, uint Previous, uint Records, uint Checksum, uint HeaderChecksum)
{
    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]));
}

/// <summary>What a record is. Numbers are on disk: never reuse one.</summary>
internal enum RecordKind : byte
{
    SegmentHeader = 1,
    HardState = 2,
    Entry = 3,
    Snapshot = 4,
    Discarded = 5,
}
