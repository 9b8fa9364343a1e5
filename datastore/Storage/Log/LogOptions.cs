namespace Raft.Storage.Log;

/// <summary>Settings of the write-ahead log. They may differ from start to start.</summary>
public sealed record LogOptions
{
    /// <summary>
    /// Bytes reserved for a segment. A new one is begun when the next frame would not fit. Large segments are rarely begun;
    /// small ones are sooner deleted.
    /// </summary>
    public long SegmentBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Bytes after which a frame is closed although more is waiting, so that the first in it need not wait for all. A single
    /// write may be larger.
    /// </summary>
    public int FrameBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Whether a segment's zeros are written ahead of time, in the background. A sync into space that was written before
    /// needs no journal commit: on ext4 it is about twice as fast at the median, and ten times at the 99th percentile, as
    /// into space that is only reserved. It costs every log byte a second write, in large sequential pieces.
    /// </summary>
    public bool ZeroAhead { get; init; } = true;
}
