using CsCheck;
using Raft.Consensus;
using Raft.InMemory;
using Raft.Node.Ports;
using Raft.Storage.Log;

namespace Raft.Storage.Tests;

public sealed class SegmentedLogTests
{
    private static readonly LogIdentity Identity = new(0xC0FFEE, new(7));
    private static readonly LogOptions Small = new() { SegmentBytes = 4096, FrameBytesMax = 2000, ZeroAhead = false };

    [Fact]
    public void An_empty_log_recovers_as_empty()
    {
        var (_, recovered) = Reopen(NewDisk());
        Assert.Equal(default, recovered.HardState);
        Assert.Equal(EntryId.Zero, recovered.Base);
        Assert.Empty(recovered.Entries);
    }

    [Fact]
    public void What_was_written_is_recovered_whatever_the_writes_truncations_snapshots_and_discards() =>
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            var disk = NewDisk();
            var (log, _) = Reopen(disk);
            var model = LogModel.Empty;
            for (ulong sequence = 1; sequence < 60; sequence++)
            {
                var batch = NextBatch(random, ref sequence, ref model, out _);
                log.Append(batch);
                if (random.Next(4) == 0)
                {
                    log.DiscardUpTo(model.IdAt(model.Committed));
                }

                if (random.Next(6) == 0)
                {
                    log.PrepareNextSegment();
                }

                if (random.Next(6) == 0)
                {
                    log.Dispose();
                    (log, var recovered) = Reopen(disk);
                    Assert.True(model.Matches(recovered));
                }
            }

            log.Dispose();
            Assert.True(model.Matches(Reopen(disk).Recovered));
        }, iter: 500);

    [Fact]
    public void A_crash_at_any_operation_leaves_a_prefix_of_whole_writes_that_holds_all_that_was_acknowledged() =>
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            var disk = NewDisk();
            var model = LogModel.Empty;
            for (var life = 0; life < 4; life++)
            {
                var (log, _) = Reopen(disk);
                disk.OperationsUntilFailure = random.Next(60);
                var possible = new List<LogModel> { model };
                try
                {
                    for (ulong sequence = 1; ; sequence++)
                    {
                        var batch = NextBatch(random, ref sequence, ref model, out possible);
                        log.Append(batch);
                        possible = [model];
                        if (random.Next(4) == 0)
                        {
                            log.DiscardUpTo(model.IdAt(model.Committed));
                        }
                    }
                }
                catch (IOException)
                {
                    disk = random.Next(3) == 0 ? disk.Copy() : disk.Crash(random.Next);
                }

                var (reopened, recovered) = Reopen(disk);
                reopened.Dispose();
                model = possible.FirstOrDefault(candidate => candidate.Matches(recovered))
                    ?? throw new InvalidOperationException("The log is none of what it could be.");
            }
        }, iter: 1000);

    [Fact]
    public void The_last_frame_may_be_cut_or_zeroed_at_any_byte_and_the_log_goes_on_without_it()
    {
        var (disk, ends) = ThreeFrames();
        for (var cut = ends[1]; cut < ends[2]; cut++)
        {
            foreach (var zeroed in new[] { false, true })
            {
                var torn = disk.Copy();
                var content = torn[Segment(1)];
                torn[Segment(1)] = zeroed ? [.. content[..cut], .. new byte[content.Length - cut]] : content[..cut];
                var (log, recovered) = Reopen(torn);
                Assert.Equal(2, recovered.Entries.Count);
                log.Append([Write(3, 3, 100)]);
                log.Dispose();
                Assert.Equal(3, Reopen(torn).Recovered.Entries.Count);
            }
        }
    }

    [Fact]
    public void Garbage_behind_the_last_frame_is_cut_off_for_good()
    {
        var (disk, ends) = ThreeFrames();
        new Random(1).NextBytes(disk[Segment(1)].AsSpan(ends[2]));
        Assert.Equal(3, Reopen(disk).Recovered.Entries.Count);
        Assert.Equal(-1, disk[Segment(1)].AsSpan(ends[2]).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Any_bit_flipped_before_the_last_frame_stops_the_log_and_leaves_it_as_it_was()
    {
        var (disk, ends) = ThreeFrames();
        for (var bit = 0; bit < ends[1] * 8; bit++)
        {
            var damaged = Flip(disk, Segment(1), bit);
            var before = damaged[Segment(1)].ToArray();
            var error = Assert.Throws<CorruptLogException>(() => Reopen(damaged));
            Assert.Contains(Segment(1), error.File, StringComparison.Ordinal);
            Assert.InRange(error.Offset, 0, bit / 8);
            Assert.Equal(before, damaged[Segment(1)]);
        }
    }

    [Fact]
    public void A_bit_flipped_in_the_last_frame_is_told_from_a_torn_write_unless_it_hits_the_header_or_the_end_mark()
    {
        var (disk, ends) = ThreeFrames();
        var header = (ends[1] * 8)..((ends[1] + LogFormat.FrameHeaderBytes) * 8);
        for (var bit = ends[1] * 8; bit < (ends[2] - LogFormat.Alignment) * 8; bit++)
        {
            var damaged = Flip(disk, Segment(1), bit);
            if (bit < header.End.Value)
            {
                Assert.Equal(2, Reopen(damaged).Recovered.Entries.Count);
            }
            else
            {
                Assert.Throws<CorruptLogException>(() => Reopen(damaged));
            }
        }
    }

    [Fact]
    public void Damage_in_a_segment_that_is_not_the_last_stops_the_log_even_at_its_end()
    {
        var disk = NewDisk();
        var (log, _) = Reopen(disk);
        for (ulong index = 1; disk.List().Count < 3; index++)
        {
            log.Append([Write(index, index, 300)]);
        }

        log.Dispose();
        var content = disk[Segment(1)];
        var end = content.AsSpan().LastIndexOfAnyExcept((byte)0);
        content.AsSpan(end - 200).Clear();
        Assert.Throws<CorruptLogException>(() => Reopen(disk));
    }

    [Fact]
    public void A_missing_segment_stops_the_log()
    {
        var disk = NewDisk();
        var (log, _) = Reopen(disk);
        for (ulong index = 1; disk.List().Count < 4; index++)
        {
            log.Append([Write(index, index, 300)]);
        }

        log.Dispose();
        disk.Delete(Segment(2));
        Assert.Contains(Segment(2), Assert.Throws<CorruptLogException>(() => Reopen(disk)).Message, StringComparison.Ordinal);
        disk.Delete(Segment(1));
        Assert.Throws<CorruptLogException>(() => Reopen(disk)); // entries are missing, and nobody said that they may be
    }

    [Fact]
    public void A_value_that_looks_like_a_frame_is_no_frame()
    {
        var (disk, ends) = ThreeFrames();
        var frame = disk[Segment(1)][ends[0]..ends[1]];
        var other = NewDisk();
        var (log, _) = Reopen(other);
        var start = other[Segment(1)].AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        log.Append([new(1, null, [new(new(new(1), new(1)), EntryKind.Command, frame)], null)]);
        log.Dispose();
        other[Segment(1)].AsSpan(start + 40, 8).Clear(); // torn, with what looks like a later frame inside it
        other[Segment(1)][other[Segment(1)].AsSpan().LastIndexOfAnyExcept((byte)0)] = 0;
        Assert.Empty(Reopen(other).Recovered.Entries);
    }

    [Fact]
    public void Discarding_deletes_segments_and_keeps_hard_state_and_base()
    {
        var disk = NewDisk();
        var (log, _) = Reopen(disk);
        var state = new HardState(new(3), new(2), new(50));
        log.Append([new(1, state, [], null)]);
        for (ulong index = 1; index <= 60; index++)
        {
            log.Append([Write(index, index, 300)]);
        }

        var before = disk.List().Count;
        log.DiscardUpTo(new(new(1), new(50)));
        Assert.True(disk.List().Count < before - 3);
        log.Dispose();
        var (_, recovered) = Reopen(disk);
        Assert.Equal(state, recovered.HardState);
        Assert.Equal(new EntryId(new(1), new(50)), recovered.Base);
        Assert.Equal(10, recovered.Entries.Count);
    }

    [Fact]
    public void A_log_of_another_member_or_cluster_is_refused()
    {
        var disk = NewDisk();
        Assert.Throws<ForeignLogException>(() => SegmentedLog.Open(disk, Small, Identity with { ClusterId = 1 }));
        Assert.Throws<ForeignLogException>(() => SegmentedLog.Open(disk, Small, Identity with { Member = new(1) }));
    }

    [Fact]
    public void A_write_larger_than_a_segment_is_whole()
    {
        var disk = NewDisk();
        var (log, _) = Reopen(disk);
        log.Append([Write(1, 1, 10)]);
        log.Append([Write(2, 2, 100_000)]);
        log.Append([Write(3, 3, 10)]);
        log.Dispose();
        Assert.Equal([10, 100_000, 10], Reopen(disk).Recovered.Entries.Select(entry => entry.Data.Length));
    }

    private static InMemoryDisk NewDisk()
    {
        var disk = new InMemoryDisk();
        SegmentedLog.Create(disk, Small, Identity);
        return disk;
    }

    private static (SegmentedLog Log, RecoveredLog Recovered) Reopen(InMemoryDisk disk) => SegmentedLog.Open(disk, Small, Identity);

    private static string Segment(ulong number) => LogFormat.SegmentName(number);

    /// <summary>A log of one segment with three frames besides its head, and where each of them ends.</summary>
    private static (InMemoryDisk Disk, int[] Ends) ThreeFrames()
    {
        var disk = NewDisk();
        var (log, _) = Reopen(disk);
        var ends = new int[3];
        for (ulong index = 1; index <= 3; index++)
        {
            log.Append([Write(index, index, 100)]);
            ends[index - 1] = disk[Segment(1)].AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        }

        log.Dispose();
        return (disk, ends);
    }

    private static LogWrite Write(ulong sequence, ulong index, int bytes)
    {
        var data = new byte[bytes];
        data.AsSpan().Fill(0x77);
        return new(sequence, null, [new(new(new(1), new(index)), EntryKind.Command, data)], null);
    }

    private static InMemoryDisk Flip(InMemoryDisk disk, string name, int bit)
    {
        var copy = disk.Copy();
        copy[name][bit / 8] ^= (byte)(1 << (bit % 8));
        return copy;
    }

    /// <summary>Some writes to be made together, and the log as it may be if only a prefix of them is made.</summary>
    private static List<LogWrite> NextBatch(Random random, ref ulong sequence, ref LogModel model, out List<LogModel> possible)
    {
        var batch = new List<LogWrite>();
        possible = [model];
        for (var count = random.Next(1, 6); count > 0; count--)
        {
            var write = model.Next(random, sequence++);
            model = model.After(write);
            batch.Add(write);
            possible.Add(model);
        }

        return batch;
    }
}
