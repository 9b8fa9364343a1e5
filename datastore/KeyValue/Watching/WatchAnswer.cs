namespace Raft.KeyValue.Watching;

/// <summary>What one message to a watching client says; <c>WatchResponse</c> but for the form of the events.</summary>
public sealed class WatchAnswer
{
    private readonly List<ReadOnlyMemory<byte>> _events = [];

    /// <summary>Names all watches of the stream, or none.</summary>
    public const long NoWatch = -1;

    /// <summary>The watch, or <see cref="NoWatch"/>.</summary>
    public required long WatchId { get; init; }

    /// <summary>For the header: no event up to it is still to come.</summary>
    public long Revision { get; internal set; }

    /// <summary>The watch begins.</summary>
    public bool IsCreated { get; init; }

    /// <summary>The watch has ended; nothing follows.</summary>
    public bool IsCanceled { get; init; }

    /// <summary>Not 0: the watch asked for what has been compacted; it can begin here.</summary>
    public long CompactRevision { get; init; }

    /// <summary>Why it ended, in etcd's words.</summary>
    public string CancelReason { get; init; } = "";

    /// <summary>The client can put a split response together again.</summary>
    public bool MayFragment { get; init; }

    /// <summary>Bytes of fields <c>WatchResponse.events</c>, each with its tag.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Events => _events;

    /// <summary>Their bytes together.</summary>
    public int EventBytes { get; private set; }

    /// <summary>Nothing is added any more.</summary>
    internal bool IsClosed { get; private set; }

    internal void Close() => IsClosed = true;

    internal void Add(ReadOnlyMemory<byte> field, long revision)
    {
        _events.Add(field);
        EventBytes += field.Length;
        Revision = revision;
    }

    internal void Append(WatchAnswer later)
    {
        _events.AddRange(later._events);
        EventBytes += later.EventBytes;
        Revision = later.Revision;
    }
}
