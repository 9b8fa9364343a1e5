using System.Buffers.Binary;
using Raft.Consensus;

namespace Raft.Storage.Log;

/// <summary>Builds one frame at a time in a buffer that is used again and again, so that a write costs no garbage.</summary>
internal sealed class FrameWriter
{
    private const int KeptBytesMax = 16 * 1024 * 1024;

    private byte[] _buffer = new byte[64 * 1024];
    private int _length;
    private uint _records;

    /// <summary>Bytes of the frame so far, header included.</summary>
    public int LengthBytes => _length;

    /// <summary>Whether there is anything in the frame.</summary>
    public bool IsEmpty => _records == 0;

    public void Begin()
    {
        if (_buffer.Length > KeptBytesMax)
        {
            _buffer = new byte[64 * 1024]; // one huge write shall not hold memory for ever
        }

        _length = LogFormat.FrameHeaderBytes;
        _records = 0;
    }

    public void AddSegmentHeader(LogIdentity identity, uint salt)
    {
        var record = Next(RecordKind.SegmentHeader, LogFormat.SegmentHeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[1..], LogFormat.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(record[5..], identity.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(record[13..], identity.Member.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(record[21..], salt);
    }

    public void Add(HardState state)
    {
        var record = Next(RecordKind.HardState, LogFormat.HardStateBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(record[1..], state.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(record[9..], state.Vote.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(record[17..], state.Commit.Value);
    }

    public void Add(LogEntry entry)
    {
        var data = entry.Data.Span;
        var record = Next(RecordKind.Entry, LogFormat.EntryHeaderBytes + data.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record[1..], entry.Id.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(record[9..], entry.Id.Index.Value);
        record[17] = (byte)entry.Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(record[18..], (uint)data.Length);
        data.CopyTo(record[LogFormat.EntryHeaderBytes..]);
    }

    public void AddSnapshot(EntryId last) => AddEntryId(RecordKind.Snapshot, last);

    public void AddDiscarded(EntryId last) => AddEntryId(RecordKind.Discarded, last);

    /// <summary>Closes the frame and gives its bytes, valid until <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> Seal(ulong number, uint previous, uint salt, out uint checksum)
    {
        var bodyBytes = (uint)(_length - LogFormat.FrameHeaderBytes);
        var total = (int)LogFormat.FrameBytes(bodyBytes);
        Reserve(total - _length);
        _buffer.AsSpan(_length, total - _length).Fill(LogFormat.EndMark);
        var frame = _buffer.AsSpan(0, total);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, LogFormat.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], bodyBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[16..], previous);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[20..], _records);
        checksum = LogFormat.Checksum(salt, frame);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[24..], checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[28..], LogFormat.HeaderChecksum(salt, frame));
        return frame;
    }

    private void AddEntryId(RecordKind kind, EntryId id)
    {
        var record = Next(kind, LogFormat.EntryIdBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(record[1..], id.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(record[9..], id.Index.Value);
    }

    private Span<byte> Next(RecordKind kind, int bytes)
    {
        Reserve(bytes);
        var record = _buffer.AsSpan(_length, bytes);
        record[0] = (byte)kind;
        _length += bytes;
        _records++;
        return record;
    }

    private void Reserve(int bytes)
    {
        var needed = checked(_length + bytes);
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(needed, _buffer.Length * 2L)));
        }
    }
}
