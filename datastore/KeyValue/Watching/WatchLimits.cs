namespace Raft.KeyValue.Watching;

/// <summary>Bounds of what watching may take.</summary>
public sealed record WatchLimits
{
    /// <summary>Watches on all streams of this member.</summary>
    public int WatchersMax { get; init; } = 1_000_000;

    /// <summary>Bytes of the keys and range ends of all these watches.</summary>
    public long WatchedBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Watches on one stream.</summary>
    public int StreamWatchersMax { get; init; } = 1_000_000;

    /// <summary>Bytes of events that wait on one stream for its client; above, its watchers read up on the past later.</summary>
    public int StreamBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bytes of events that wait on all streams together; above, each may have <see cref="ScarceStreamBytesMax"/>.</summary>
    public long QueuedBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>
    /// What may wait on one stream when too much waits on all. Not nothing: whoever reads goes on, however many there are who do not.
    /// </summary>
    public int ScarceStreamBytesMax { get; init; } = 16 * 1024;

    /// <summary>Bytes of events of one response that may still grow while it waits.</summary>
    public int AnswerBytesMax { get; init; } = 512 * 1024;

    /// <summary>Bytes of events that wait to be dispatched; above, all watchers read up on them in the store.</summary>
    public long PublishedBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Changes that one step of catching up reads, more only to finish a revision.</summary>
    public int CatchUpChanges { get; init; } = 1000;
}
