using System.Buffers.Binary;
using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Storage.Log;

/// <summary>
/// What the records of a log amount to, one after the other. The same rules hold when records are written and when they are
/// read back.
/// </summary>
internal sealed class LogReplay
{
    private readonly List<LogEntry> _entries = [];
    private int _dropped;

    public HardState HardState { get; private set; }

    /// <summary>The entry before the first that is kept.</summary>
    public EntryId Base { get; private set; }

    /// <summary>The segment header that was read last.</summary>
    public (uint Version, LogIdentity Identity, uint Salt) Header { get; private set; }

    /// <summary>Index of the last entry.</summary>
    public LogIndex Last => _entries.Count > _dropped ? _entries[^1].Id.Index : Base.Index;

    /// <summary>Takes in all records of a frame's body.</summary>
    /// <param name="body">The bytes, checksums verified.</param>
    /// <param name="records">How many records there must be.</param>
    /// <param name="segments">The segments so far, the body's own last: kept up to date on where entries are.</param>
    /// <exception cref="InvalidDataException">They make no sense: a defect of the writer rather than of the disk.</exception>
    public void Read(ReadOnlySpan<byte> body, uint records, List<LogSegment> segments)
    {
        for (; records > 0; records--)
        {
            var size = RecordBytes(body);
            var record = body[..size];
            switch ((RecordKind)record[0])
            {
                case RecordKind.SegmentHeader:
                    Header = (
                        BinaryPrimitives.ReadUInt32LittleEndian(record[1..]),
                        new(U64(record[5..]), new(U64(record[13..]))),
                        BinaryPrimitives.ReadUInt32LittleEndian(record[21..]));
                    if (Header.Version > LogFormat.Version)
                    {
                        return; // what follows may be unknown; the caller refuses the file
                    }

                    break;
                case RecordKind.HardState:
                    HardState = new(new(U64(record[1..])), new(U64(record[9..])), new(U64(record[17..])));
                    break;
                case RecordKind.Entry:
                    var entry = new LogEntry(ReadId(record), (EntryKind)record[17], record[LogFormat.EntryHeaderBytes..].ToArray());
                    Append(entry);
                    LogSegment.CutFrom(segments, entry.Id.Index);
                    segments[^1].Last = entry.Id.Index;
                    break;
                case RecordKind.Snapshot:
                    _entries.Clear();
                    _dropped = 0;
                    Base = ReadId(record);
                    LogSegment.CutFrom(segments, new(1));
                    break;
                case RecordKind.Discarded:
                    Discard(ReadId(record));
                    break;
            }

            body = body[size..];
        }

        if (!body.IsEmpty)
        {
            throw new InvalidDataException("a frame holds more bytes than records.");
        }
    }

    /// <summary>All that is known once the last record was read.</summary>
    /// <exception cref="InvalidDataException">Entries are missing.</exception>
    public RecoveredLog Complete()
    {
        if (_entries.Count > _dropped && _entries[_dropped].Id.Index != Base.Index.Next)
        {
            throw new InvalidDataException(
                $"entries after {Base.Index} and before {_entries[_dropped].Id.Index} are missing.");
        }

        return new(HardState, Base, _dropped == 0 ? _entries : _entries.GetRange(_dropped, _entries.Count - _dropped));
    }

    /// <summary>
    /// Entries may leave a gap after the base here: the segments that held what is missing were deleted, and the record that
    /// says so stands further on. <see cref="Complete"/> checks that it did.
    /// </summary>
    private void Append(LogEntry entry)
    {
        var index = entry.Id.Index.Value;
        if (index <= Base.Index.Value || (_entries.Count > _dropped && index > Last.Value + 1))
        {
            throw new InvalidDataException($"entry {index} follows a log from after {Base.Index} to {Last}.");
        }

        if (_entries.Count > _dropped)
        {
            var first = _entries[_dropped].Id.Index.Value;
            var keep = _dropped + (int)(Math.Max(index, first) - first);
            _entries.RemoveRange(keep, _entries.Count - keep);
        }

        _entries.Add(entry);
    }

    private void Discard(EntryId last)
    {
        if (last.Index <= Base.Index)
        {
            return;
        }

        Base = last;
        while (_dropped < _entries.Count && _entries[_dropped].Id.Index <= last.Index)
        {
            _entries[_dropped++] = null!; // the list is cut once, at the end
        }
    }

    private static int RecordBytes(ReadOnlySpan<byte> body)
    {
        var size = body.IsEmpty ? 0 : (RecordKind)body[0] switch
        {
            RecordKind.SegmentHeader => LogFormat.SegmentHeaderBytes,
            RecordKind.HardState => LogFormat.HardStateBytes,
            RecordKind.Snapshot or RecordKind.Discarded => LogFormat.EntryIdBytes,
            RecordKind.Entry when body.Length >= LogFormat.EntryHeaderBytes =>
                LogFormat.EntryHeaderBytes + (long)BinaryPrimitives.ReadUInt32LittleEndian(body[18..]),
            _ => 0,
        };
        return size > 0 && size <= body.Length
            ? (int)size
            : throw new InvalidDataException("a frame holds a record of an unknown kind or length.");
    }

    private static EntryId ReadId(ReadOnlySpan<byte> record) => new(new(U64(record[1..])), new(U64(record[9..])));

    private static ulong U64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
