using Raft.KeyValue.Ports;

namespace Raft.Node.Ports;

/// <summary>
/// The ordered store with what consensus needs of it besides: writes are visible at once but durable only after
/// <see cref="FlushAsync"/>, because until then the log can replay them.
/// </summary>
public interface IStateStore : IOrderedStore
{
    /// <summary>Makes all that was written before the call durable. May run beside further writes.</summary>
    Task FlushAsync();

    /// <summary>
    /// A frozen, consistent copy of the store as it is now, to be sent or saved; cheap to make (hard links), and gone from
    /// disk when disposed.
    /// </summary>
    IStateSnapshot TakeSnapshot();

    /// <summary>
    /// Replaces the whole content, atomically and durably, by a snapshot that has been received and verified. Views opened
    /// before remain readable until disposed.
    /// </summary>
    void Install(IReceivedSnapshot snapshot);

    /// <summary>Bytes on disk, and of these the bytes of live data (etcd: dbSize, dbSizeInUse).</summary>
    (long Total, long InUse) SizeBytes { get; }

    /// <summary>Gives space of deleted data back to the disk, without stopping reads or writes.</summary>
    Task CompactFilesAsync();
}

/// <summary>A snapshot to read from.</summary>
public interface IStateSnapshot : IDisposable
{
    /// <summary>The files that it consists of: path inside the snapshot, and length in bytes.</summary>
    IReadOnlyList<(string Path, long LengthBytes)> Files { get; }

    /// <summary>Opens one of them.</summary>
    Stream OpenFile(string path);
}

/// <summary>Takes in a snapshot that arrives in chunks, beside the present state.</summary>
public interface ISnapshotReceiver
{
    /// <summary>Starts a snapshot in an empty staging place; what an earlier attempt left there is deleted.</summary>
    IReceivedSnapshot Begin();
}

/// <summary>A snapshot on its way in. Disposed without having been installed, it is deleted.</summary>
public interface IReceivedSnapshot : IDisposable
{
    /// <summary>Appends bytes to one of its files. Paths that lead outside are refused.</summary>
    /// <exception cref="InvalidDataException">The path is not allowed.</exception>
    ValueTask WriteAsync(string path, ReadOnlyMemory<byte> data, CancellationToken cancellation);

    /// <summary>All is there: makes the files durable.</summary>
    ValueTask CompleteAsync(CancellationToken cancellation);
}
