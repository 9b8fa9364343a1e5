using System.Buffers.Binary;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Storage.Disk;

namespace Raft.Storage.Log;

/// <summary>
/// The write-ahead log on a disk, without a thread of its own: each call is done, and durable, when it returns.
/// <see cref="WriteAheadLog"/> gives it a thread and gathers what waits; a simulator may drive it as it is.
/// After an exception from a write it must not be used again.
/// </summary>
public sealed class SegmentedLog : IDisposable
{
    private readonly IDisk _disk;
    private readonly LogOptions _options;
    private readonly LogIdentity _identity;
    private readonly FrameWriter _frame = new();

    // Oldest first; the last is being written, at _position of _file.
    private readonly List<LogSegment> _segments;
    private SegmentFile? _file;
    private SegmentFile? _prepared;
    private long _position;
    private uint _salt;
    private FrameChain _chain;

    // What is durable.
    private LogTail _tail;

    internal SegmentedLog(IDisk disk, LogOptions options, LogIdentity identity, LogEnd end)
    {
        (_disk, _options, _identity) = (disk, options, identity);
        (_segments, _file, _position, _salt, _chain, _tail) = (end.Segments, end.File, end.Position, end.Salt, end.Chain, end.Tail);
    }

    /// <summary>Segments on disk.</summary>
    public int SegmentCount => _segments.Count;

    /// <summary>Whether it is time to call <see cref="PrepareNextSegment"/>: the present segment is half full.</summary>
    public bool WantsNextSegment =>
        _options.ZeroAhead && _position > _options.SegmentBytes / 2 && Volatile.Read(ref _prepared) is null;

    /// <summary>Makes an empty log in an empty folder.</summary>
    public static void Create(IDisk disk, LogOptions options, LogIdentity identity)
    {
        using var log = new SegmentedLog(disk, options, identity, LogEnd.None);
        if (options.ZeroAhead)
        {
            log.PrepareNextSegment();
        }

        log.BeginSegment();
    }

    /// <summary>Reads the log, repairs the end that a crash may have torn, and is ready to go on.</summary>
    /// <exception cref="CorruptLogException">The log is damaged. Nothing was changed.</exception>
    /// <exception cref="ForeignLogException">It belongs to someone else. Nothing was changed.</exception>
    public static (SegmentedLog Log, RecoveredLog Recovered) Open(IDisk disk, LogOptions options, LogIdentity identity)
    {
        var (end, recovered) = LogRecovery.Run(disk, options, identity);
        return (new(disk, options, identity, end), recovered);
    }

    /// <summary>Writes in order: one sync for all, unless they are so large that they fill several frames.</summary>
    /// <returns>The number of syncs.</returns>
    /// <exception cref="IOException">It may or may not be durable; the log must not be used again.</exception>
    /// <exception cref="InvalidOperationException">A write makes no sense after those before it.</exception>
    public int Append(IReadOnlyList<LogWrite> writes)
    {
        var syncs = 0;
        for (var next = 0; next < writes.Count; syncs++)
        {
            var first = next;
            var tail = _tail;
            _frame.Begin();
            do
            {
                tail = Encode(writes[next++], tail);
            }
            while (next < writes.Count && _frame.LengthBytes < _options.FrameBytesMax);

            if (!_frame.IsEmpty)
            {
                WriteFrame();
            }

            _tail = tail;
            for (; first < next; first++)
            {
                NoteWhereEntriesAre(writes[first]);
            }
        }

        return syncs;
    }

    /// <summary>Deletes segments that hold nothing but entries up to this one.</summary>
    /// <exception cref="IOException">The log must not be used again.</exception>
    public void DiscardUpTo(EntryId last)
    {
        if (last.Index > _tail.Base.Index)
        {
            _tail = _tail.DiscardedUpTo(last);
        }

        var count = 0;
        while (count < _segments.Count - 1 && _segments[count].Last <= _tail.Base.Index)
        {
            count++;
        }

        if (count == 0)
        {
            return;
        }

        // Were the segments gone before the base is durable, the entries in them would be missing rather than discarded.
        _frame.Begin();
        _frame.AddDiscarded(_tail.Base);
        WriteFrame();
        foreach (var segment in _segments[..count])
        {
            // Oldest first, each for good before the next goes: what a crash leaves has no gap.
            _disk.Delete(LogFormat.SegmentName(segment.Number));
            _disk.SyncNames();
        }

        _segments.RemoveRange(0, count);
    }

    /// <summary>
    /// Makes the next segment's file ahead of time, its zeros written and durable. May run beside the other methods, once at
    /// a time.
    /// </summary>
    public void PrepareNextSegment()
    {
        var file = _disk.Create(LogFormat.PreparedName, _options.SegmentBytes);
        try
        {
            var zeros = new byte[(int)Math.Min(1024 * 1024, _options.SegmentBytes)];
            for (long offset = 0; offset < _options.SegmentBytes; offset += zeros.Length)
            {
                file.Write(offset, zeros.AsSpan(0, (int)Math.Min(zeros.Length, _options.SegmentBytes - offset)));
            }

            file.Sync();
        }
        catch (IOException)
        {
            file.Dispose();
            throw;
        }

        Volatile.Write(ref _prepared, new(file, LogFormat.PreparedName));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.File.Dispose();
        Interlocked.Exchange(ref _prepared, null)?.File.Dispose();
    }

    private LogTail Encode(LogWrite write, LogTail tail)
    {
        if (write.Snapshot is { } snapshot)
        {
            _frame.AddSnapshot(snapshot);
            tail = tail with { Base = snapshot, Last = snapshot.Index };
        }

        if (write.HardState is { } state)
        {
            _frame.Add(state);
            tail = tail with { HardState = state };
        }

        foreach (var entry in write.Entries)
        {
            if (entry.Id.Index <= tail.Base.Index || entry.Id.Index > tail.Last.Next)
            {
                throw new InvalidOperationException($"Entry {entry.Id} does not fit a log from after {tail.Base} to {tail.Last}.");
            }

            _frame.Add(entry);
            tail = tail with { Last = entry.Id.Index };
        }

        return tail;
    }

    /// <summary>Deletes nothing and syncs once: after it the frame is durable.</summary>
    private void WriteFrame()
    {
        var frameBytes = LogFormat.FrameBytes((uint)(_frame.LengthBytes - LogFormat.FrameHeaderBytes));
        if (_position + frameBytes > _options.SegmentBytes && _segments[^1].HasFrames)
        {
            BeginSegment();
        }

        Put(_frame);
        _segments[^1].HasFrames = true;
        _file!.File.Sync();
    }

    private void Put(FrameWriter frame)
    {
        var bytes = frame.Seal(_chain.Number + 1, _chain.Checksum, _salt, out var checksum);
        _file!.File.Write(_position, bytes);
        _position += bytes.Length;
        _chain = new(_chain.Number + 1, checksum);
    }

    /// <summary>
    /// A segment gets its name only once its first frame is durable, so that a segment that does not verify from its start is
    /// damage, never a crash. The first frame repeats what would be lost when older segments are deleted.
    /// </summary>
    private void BeginSegment()
    {
        _file?.File.Dispose();
        _file = Interlocked.Exchange(ref _prepared, null)
            ?? new(_disk.Create(LogFormat.HurriedName, _options.SegmentBytes), LogFormat.HurriedName);
        var number = _segments.Count == 0 ? 1 : _segments[^1].Number + 1;
        var salt = SaltOf(number);
        (_position, _salt) = (0, 0);

        var head = new FrameWriter();
        head.Begin();
        head.AddSegmentHeader(_identity, salt);
        head.Add(_tail.HardState);
        head.AddDiscarded(_tail.Base);
        Put(head);
        _file.File.Sync();
        _disk.Rename(_file.Name, LogFormat.SegmentName(number));
        _disk.SyncNames();
        _segments.Add(new(number));
        _salt = salt;
    }

    private void NoteWhereEntriesAre(LogWrite write)
    {
        if (write.Snapshot is not null)
        {
            LogSegment.CutFrom(_segments, new(1));
        }

        if (write.Entries is [var first, ..])
        {
            LogSegment.CutFrom(_segments, first.Id.Index);
            _segments[^1].Last = write.Entries[^1].Id.Index;
        }
    }

    /// <summary>
    /// A number that differs from segment to segment and that no client can foresee, so that no value that a client writes
    /// can pass for a frame.
    /// </summary>
    private uint SaltOf(ulong segment)
    {
        Span<byte> seed = stackalloc byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(seed, _identity.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(seed[8..], _identity.Member.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(seed[16..], segment);
        return Crc32C.Append(_chain.Checksum, seed) | 1;
    }
}

/// <summary>What the durable log amounts to, as far as its writer must know.</summary>
internal readonly record struct LogTail(HardState HardState, EntryId Base, LogIndex Last)
{
    public LogTail DiscardedUpTo(EntryId last) => this with { Base = last, Last = Last < last.Index ? last.Index : Last };
}

/// <summary>A file that is a segment or is to become one.</summary>
internal sealed record SegmentFile(IDiskFile File, string Name);

/// <summary>Where recovery left off and writing goes on.</summary>
internal sealed record LogEnd(
    List<LogSegment> Segments, SegmentFile? File, long Position, uint Salt, FrameChain Chain, LogTail Tail)
{
    public static LogEnd None => new([], null, 0, 0, default, default);
}

/// <summary>One segment, as its writer sees it.</summary>
internal sealed class LogSegment(ulong number)
{
    public ulong Number { get; } = number;

    /// <summary>Highest index whose entry, as it now counts, stands in this segment. 0: none.</summary>
    public LogIndex Last { get; set; }

    /// <summary>Whether it holds more than its head.</summary>
    public bool HasFrames { get; set; }

    /// <summary>Entries from this index on were replaced: where they stood no longer matters.</summary>
    public static void CutFrom(List<LogSegment> segments, LogIndex index)
    {
        foreach (var segment in segments)
        {
            if (segment.Last >= index)
            {
                segment.Last = index.Previous;
            }
        }
    }
}
