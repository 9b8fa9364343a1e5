using Raft.Node.Ports;
using Raft.Storage.Disk;

namespace Raft.Storage.Log;

/// <summary>
/// Opens a log: reads every segment in order, checks everything, and only when all is well changes anything: cuts a torn end
/// off and removes files that were never finished.
/// </summary>
internal static class LogRecovery
{
    public static (LogEnd End, RecoveredLog Recovered) Run(IDisk disk, LogOptions options, LogIdentity identity)
    {
        var numbers = SegmentNumbers(disk);
        var replay = new LogReplay();
        var segments = new List<LogSegment>();
        FrameChain? chain = null;
        var (position, salt, torn) = (0, 0u, false);
        byte[] buffer = [];
        foreach (var number in numbers)
        {
            var name = LogFormat.SegmentName(number);
            var segment = new LogSegment(number);
            segments.Add(segment);
            var content = ReadAll(disk, name, ref buffer);
            var reader = new SegmentReader(disk.Describe(name), content, isLast: number == numbers[^1]);
            ReadSegment(ref reader, ref chain, replay, segments, identity);
            (position, salt, torn) = (reader.Position, reader.Salt, reader.HasTornTail);
        }

        var lastName = LogFormat.SegmentName(numbers[^1]);
        RecoveredLog recovered;
        try
        {
            recovered = replay.Complete();
        }
        catch (InvalidDataException error)
        {
            throw new CorruptLogException(disk.Describe(LogFormat.SegmentName(numbers[0])), 0, error.Message);
        }

        var file = disk.Open(lastName);
        if (torn)
        {
            Cut(file, position, options.SegmentBytes);
        }

        DeleteUnfinished(disk);
        return (
            new(segments, new(file, lastName), position, salt, chain!.Value, new(replay.HardState, replay.Base, replay.Last)),
            recovered);
    }

    private static void ReadSegment(
        ref SegmentReader reader, ref FrameChain? chain, LogReplay replay, List<LogSegment> segments, LogIdentity identity)
    {
        var isFirstFrame = true;
        while (true)
        {
            var start = reader;
            if (!reader.TryRead(ref chain, out var header, out var body))
            {
                if (isFirstFrame)
                {
                    throw reader.Corrupt("the segment is empty, which a crash cannot cause.");
                }

                return;
            }

            try
            {
                replay.Read(body, header.Records, segments);
            }
            catch (InvalidDataException error)
            {
                throw start.Corrupt(error.Message);
            }

            if (isFirstFrame)
            {
                CheckHeader(replay, identity, start);
                reader.Salt = replay.Header.Salt;
                isFirstFrame = false;
            }
            else
            {
                segments[^1].HasFrames = true;
            }
        }
    }

    private static void CheckHeader(LogReplay replay, LogIdentity identity, SegmentReader reader)
    {
        if (replay.Header.Version > LogFormat.Version)
        {
            throw new ForeignLogException(
                $"'{reader.File}' has log format {replay.Header.Version}; this version reads up to {LogFormat.Version}. "
                + "It was written by a newer version: use that one, or a newer one still. Nothing was changed.");
        }

        if (replay.Header.Identity != identity)
        {
            throw new ForeignLogException(
                $"'{reader.File}' belongs to member {replay.Header.Identity.Member} of cluster "
                + $"{replay.Header.Identity.ClusterId:x}, not to member {identity.Member} of cluster {identity.ClusterId:x}. "
                + "Nothing was changed.");
        }
    }

    private static List<ulong> SegmentNumbers(IDisk disk)
    {
        var numbers = disk.List().Select(LogFormat.SegmentNumber).OfType<ulong>().Order().ToList();
        if (numbers.Count == 0)
        {
            throw new CorruptLogException(disk.Describe(""), 0, "no segment is there.");
        }

        for (var i = 1; i < numbers.Count; i++)
        {
            if (numbers[i] != numbers[i - 1] + 1)
            {
                throw new CorruptLogException(
                    disk.Describe(LogFormat.SegmentName(numbers[i - 1] + 1)), 0, "the segment is missing.");
            }
        }

        return numbers;
    }

    private static ReadOnlySpan<byte> ReadAll(IDisk disk, string name, ref byte[] buffer)
    {
        using var file = disk.Open(name);
        var length = file.LengthBytes;
        if (length > Array.MaxLength)
        {
            throw new CorruptLogException(disk.Describe(name), 0, $"the segment is larger than any can be: {length} bytes.");
        }

        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>((int)length);
        }

        return buffer.AsSpan(0, file.Read(0, buffer.AsSpan(0, (int)length)));
    }

    private static void Cut(IDiskFile file, long position, long segmentBytes)
    {
        file.SetLength(position);
        file.SetLength(Math.Max(position, segmentBytes));
        file.Sync();
    }

    private static void DeleteUnfinished(IDisk disk)
    {
        foreach (var name in disk.List().Where(name => name is LogFormat.PreparedName or LogFormat.HurriedName))
        {
            disk.Delete(name);
        }
    }
}
