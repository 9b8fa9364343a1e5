namespace Raft.Storage.Ordered;

/// <summary>Settings of the ordered store. They may differ from start to start.</summary>
public sealed record StoreOptions
{
    /// <summary>
    /// Bytes of native memory for blocks read from disk, their indexes and filters included. It bounds what reading takes,
    /// however large the data.
    /// </summary>
    public long BlockCacheBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Bytes that gather in memory before they are flushed to a file. Up to three such buffers exist: one being filled, one
    /// being flushed, and one for a burst that outruns the flush. After a crash at most this much is replayed from the log.
    /// </summary>
    public long WriteBufferBytes { get; init; } = 40L * 1024 * 1024;

    /// <summary>Threads that flush and compact.</summary>
    public int BackgroundThreads { get; init; } = 2;
}

/// <summary>The ordered store is damaged or cannot be read or written. The member must stop.</summary>
/// <param name="message">What happened, and what to do.</param>
/// <param name="cause">What RocksDB said.</param>
public sealed class StoreException(string message, Exception? cause = null) : IOException(message, cause);
