using System.Buffers.Binary;
using Raft.Consensus;
using Raft.InMemory;
using Raft.Node.Ports;
using Raft.Storage.Log;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// The segments of a write-ahead log, one behind the other with their lengths. First byte odd: checksums are made right again
/// after mutation, so that what lies behind them is reached.
/// </summary>
internal sealed class LogTarget : IFuzzTarget
{
    private static readonly LogIdentity Identity = new(7, new(1));
    private static readonly LogOptions Options = new() { SegmentBytes = 2048, ZeroAhead = false };

    public string Name => "log";

    public long AllocationBytesMax => 16 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        foreach (var (name, disk) in new[] { ("short", Write(3)), ("segments", Write(60)), ("snapshot", Write(20, snapshot: true)), ("discarded", Write(60, discardTo: 40)) })
        {
            yield return (name, Pack(0, disk));
            yield return ($"{name}-resealed", Pack(1, disk));
        }
    }

    public string Run(byte[] input)
    {
        var disk = Unpack(input);
        var before = disk.Copy();
        try
        {
            var (log, recovered) = SegmentedLog.Open(disk, Options, Identity);
            using (log)
                CheckRecovered(recovered);
            CheckGoesOn(disk, recovered);
            return "taken";
        }
        catch (Exception refusal) when (refusal is CorruptLogException or ForeignLogException)
        {
            if (!disk.List().SequenceEqual(before.List()) || disk.List().Any(name => !disk[name].AsSpan().SequenceEqual(before[name])))
                throw new FuzzFindingException("a log that is refused was changed");
            return $"refused ({refusal.GetType().Name})";
        }
    }

    private static void CheckRecovered(RecoveredLog recovered)
    {
        var expected = recovered.Base.Index.Next;
        foreach (var entry in recovered.Entries)
        {
            if (entry.Id.Index != expected)
                throw new FuzzFindingException($"the recovered log has a gap before {entry.Id}");
            expected = expected.Next;
        }
    }

    /// <summary>A log that was taken takes another entry, and is found whole again with it.</summary>
    private static void CheckGoesOn(InMemoryDisk disk, RecoveredLog recovered)
    {
        var (log, again) = SegmentedLog.Open(disk, Options, Identity);
        var last = again.Entries.Count > 0 ? again.Entries[^1].Id : again.Base;
        if (again.Entries.Count != recovered.Entries.Count || again.HardState != recovered.HardState)
            throw new FuzzFindingException("a log that was repaired recovers otherwise the second time");
        if (last.Index.Value == ulong.MaxValue)
            return; // no writer can get there
        log.Append([new LogWrite(1, null, [new(new(last.Term, last.Index.Next), EntryKind.Command, new byte[10])], null)]);
        log.Dispose();
        var (reopened, third) = SegmentedLog.Open(disk, Options, Identity);
        reopened.Dispose();
        if (third.Entries.Count != recovered.Entries.Count + 1)
            throw new FuzzFindingException("an entry that was written after recovery is lost");
    }

    private static InMemoryDisk Write(int entries, bool snapshot = false, ulong discardTo = 0)
    {
        var disk = new InMemoryDisk();
        SegmentedLog.Create(disk, Options, Identity);
        var (log, _) = SegmentedLog.Open(disk, Options, Identity);
        for (var index = 1UL; index <= (ulong)entries; index++)
        {
            var term = new Term(1 + (index / 10));
            log.Append([new(index, new(term, new(1), new(index - 1)), [new(new(term, new(index)), EntryKind.Command, new byte[index * 7 % 150])], null)]);
        }

        if (snapshot)
            log.Append([new(100, null, [new(new(new(9), new(201)), EntryKind.Command, new byte[5])], new EntryId(new(8), new(200)))]);
        if (discardTo > 0)
            log.DiscardUpTo(new(new(1 + (discardTo / 10)), new(discardTo)));
        log.Dispose();
        return disk;
    }

    private static byte[] Pack(byte reseal, InMemoryDisk disk)
    {
        using var bytes = new MemoryStream();
        bytes.WriteByte(reseal);
        foreach (var name in disk.List())
        {
            var content = disk[name];
            bytes.WriteByte((byte)LogFormat.SegmentNumber(name)!.Value);
            bytes.Write(BitConverter.GetBytes((ushort)content.Length));
            bytes.Write(content);
        }

        return bytes.ToArray();
    }

    private static InMemoryDisk Unpack(ReadOnlySpan<byte> input)
    {
        var disk = new InMemoryDisk();
        var reseal = !input.IsEmpty && input[0] % 2 == 1;
        input = input.IsEmpty ? input : input[1..];
        while (input.Length > 3)
        {
            var length = Math.Min(BitConverter.ToUInt16(input[1..]), input.Length - 3);
            var segment = input.Slice(3, length).ToArray();
            // Names come from outside too.
            var name = input[0] < 250 ? LogFormat.SegmentName(input[0]) : $"{input[0]:X16}{LogFormat.SegmentSuffix}";
            if (reseal)
                Reseal(segment);
            disk[name] = segment;
            input = input[(3 + length)..];
        }

        return disk;
    }

    private static void Reseal(Span<byte> segment)
    {
        var salt = 0u;
        while (segment.Length >= LogFormat.FrameHeaderBytes && FrameHeader.Read(segment) is { Magic: LogFormat.Magic } header
            && LogFormat.FrameBytes(header.BodyBytes) <= segment.Length)
        {
            var frame = segment[..(int)LogFormat.FrameBytes(header.BodyBytes)];
            BinaryPrimitives.WriteUInt32LittleEndian(frame[24..], LogFormat.Checksum(salt, frame));
            BinaryPrimitives.WriteUInt32LittleEndian(frame[28..], LogFormat.HeaderChecksum(salt, frame));
            if (salt == 0 && frame.Length >= LogFormat.FrameHeaderBytes + LogFormat.SegmentHeaderBytes)
                salt = BinaryPrimitives.ReadUInt32LittleEndian(frame[(LogFormat.FrameHeaderBytes + 21)..]);
            segment = segment[frame.Length..];
        }
    }
}
