namespace Raft.Storage.Log;

/// <summary>Where the chain of frames stands: what the next frame must say of the one before it.</summary>
/// <param name="Number">Number of the last frame.</param>
/// <param name="Checksum">Its checksum.</param>
internal readonly record struct FrameChain(ulong Number, uint Checksum);

/// <summary>
/// Reads one segment, and judges how it ends. The last segment may end in a frame that a crash left half written; everything
/// else that does not verify is damage.
/// </summary>
/// <param name="file">Name for messages.</param>
/// <param name="content">All bytes of the segment.</param>
/// <param name="isLast">Whether it is the segment that was being written.</param>
internal ref struct SegmentReader(string file, ReadOnlySpan<byte> content, bool isLast)
{
    // The unit that a disk writes whole or not at all.
    private const int SectorBytes = 512;

    private readonly ReadOnlySpan<byte> _content = content;

    /// <summary>Name for messages.</summary>
    public readonly string File => file;

    /// <summary>Where the next frame starts, or, at the end, where the good frames end.</summary>
    public int Position { get; private set; }

    /// <summary>Salt of the frames from here on.</summary>
    public uint Salt { get; set; }

    /// <summary>Whether something other than zeros stands behind the last good frame.</summary>
    public bool HasTornTail { get; private set; }

    /// <summary>Moves to the next frame that verifies. False: there is none, and the end is as it may be.</summary>
    /// <param name="chain">The frame before; null if there is none to compare with. Set to the frame that was read.</param>
    /// <param name="header">The frame's header.</param>
    /// <param name="body">The frame's records.</param>
    /// <exception cref="CorruptLogException">What stands here is damage.</exception>
    public bool TryRead(ref FrameChain? chain, out FrameHeader header, out ReadOnlySpan<byte> body)
    {
        body = default;
        header = default;
        var rest = _content[Position..];
        if (rest.Length < LogFormat.FrameHeaderBytes || !HeaderVerifies(rest))
        {
            if (rest.IndexOfAnyExcept((byte)0) < 0)
            {
                return false;
            }

            JudgeBadFrame(chain?.Number ?? 0, "the header of a frame does not verify.");
            return false;
        }

        header = FrameHeader.Read(rest);
        if (chain is { } before && (header.Number != before.Number + 1 || header.Previous != before.Checksum))
        {
            throw Corrupt($"frame {header.Number} does not follow frame {before.Number}.");
        }

        var frameBytes = LogFormat.FrameBytes(header.BodyBytes);
        if (frameBytes > rest.Length || LogFormat.Checksum(Salt, rest[..(int)frameBytes]) != header.Checksum)
        {
            if (frameBytes <= rest.Length && WasWrittenWhole(rest[..(int)frameBytes], Position))
            {
                throw Corrupt($"frame {header.Number} was written whole, but its checksum does not match.");
            }

            JudgeBadFrame(header.Number, $"frame {header.Number} is not whole.");
            return false;
        }

        body = rest.Slice(LogFormat.FrameHeaderBytes, (int)header.BodyBytes);
        chain = new(header.Number, header.Checksum);
        Position += (int)frameBytes;
        return true;
    }

    /// <summary>The exception for damage at the present position.</summary>
    public readonly CorruptLogException Corrupt(string finding) => new(file, Position, finding);

    /// <summary>A frame that does not verify is a torn end, unless it was durable once.</summary>
    private void JudgeBadFrame(ulong number, string finding)
    {
        if (Position == 0)
        {
            throw Corrupt($"{finding} It is the first of its segment, which a crash cannot tear.");
        }

        if (!isLast)
        {
            throw Corrupt($"{finding} Later segments exist, so it was durable once.");
        }

        for (var offset = Position + LogFormat.Alignment; offset <= _content.Length - LogFormat.FrameHeaderBytes; offset += LogFormat.Alignment)
        {
            var later = _content[offset..];
            if (HeaderVerifies(later) && FrameHeader.Read(later).Number > number)
            {
                throw Corrupt($"{finding} A later frame stands at byte {offset}, so it was durable once.");
            }
        }

        HasTornTail = true;
    }

    private readonly bool HeaderVerifies(ReadOnlySpan<byte> frame)
    {
        var header = FrameHeader.Read(frame);
        return header.Magic == LogFormat.Magic && header.HeaderChecksum == LogFormat.HeaderChecksum(Salt, frame);
    }

    /// <summary>
    /// Whether no part of the frame is missing: its end mark is there, and no sector of it still has the zeros that were
    /// there before. Such a frame was not torn but damaged later. (A frame with a sector of zeros of its own is given the
    /// benefit of the doubt.)
    /// </summary>
    private static bool WasWrittenWhole(ReadOnlySpan<byte> frame, int position)
    {
        if (frame[^1] != LogFormat.EndMark)
        {
            return false;
        }

        for (var start = 0; start < frame.Length;)
        {
            var end = Math.Min(frame.Length, ((position + start) / SectorBytes * SectorBytes) + SectorBytes - position);
            if (frame[start..end].IndexOfAnyExcept((byte)0) < 0)
            {
                return false;
            }

            start = end;
        }

        return true;
    }
}
