namespace Raft.Storage.Rocks;

/// <summary>An open RocksDB database. Its owner closes it after the last use: nothing here counts them.</summary>
internal sealed unsafe class RocksDatabase : IDisposable
{
    // Made once and never changed, so any number of threads may use them.
    private static readonly nint WithoutLog = NewWriteOptions();
    private static readonly nint Waiting = NewFlushOptions();
    private static readonly nint Latest = NativeRocks.CreateReadOptions();

    private readonly nint _handle;

    private RocksDatabase(nint handle) => _handle = handle;

    /// <exception cref="RocksException">The files are damaged, locked, or not there.</exception>
    public static RocksDatabase Open(string path, StoreTuning tuning)
    {
        var error = nint.Zero;
        var handle = NativeRocks.Open(tuning.Options, path, ref error);
        RocksException.ThrowIf(error);
        return new(handle);
    }

    /// <summary>
    /// Writes go to memory only: the Raft log is the write-ahead log. RocksDB flushes whole buffers in the order they were
    /// filled, and a batch is never split over two, so what a crash leaves is a prefix of the batches.
    /// </summary>
    /// <exception cref="RocksException">The disk is full or broken.</exception>
    public void Write(WriteBatch batch)
    {
        var error = nint.Zero;
        NativeRocks.Write(_handle, WithoutLog, batch.Handle, ref error);
        RocksException.ThrowIf(error);
    }

    /// <summary>Waits until all that was written is in synced files.</summary>
    /// <exception cref="RocksException">The disk is full or broken.</exception>
    public void Flush()
    {
        var error = nint.Zero;
        NativeRocks.Flush(_handle, Waiting, ref error);
        RocksException.ThrowIf(error);
    }

    /// <summary>Writes all files anew without what was overwritten and deleted.</summary>
    public void CompactAll() => NativeRocks.CompactRange(_handle, null, 0, null, 0);

    /// <summary>Hard links to the files as they are now, in a new folder on the same volume.</summary>
    /// <exception cref="RocksException">The disk is full or broken.</exception>
    public void SaveCheckpoint(string path)
    {
        var error = nint.Zero;
        var checkpoint = NativeRocks.CreateCheckpoint(_handle, ref error);
        RocksException.ThrowIf(error);
        NativeRocks.SaveCheckpoint(checkpoint, path, 0, ref error);
        NativeRocks.DestroyCheckpoint(checkpoint);
        RocksException.ThrowIf(error);
    }

    /// <summary>One of RocksDB's numbers about itself; 0 if it has none of that name.</summary>
    public long Property(string name) => NativeRocks.PropertyOf(_handle, name, out var value) == 0 ? (long)value : 0;

    /// <summary>The value of a key, or null; as it is now, or in a snapshot.</summary>
    /// <exception cref="RocksException">A block is damaged or cannot be read.</exception>
    public byte[]? Get(RocksSnapshot? snapshot, ReadOnlySpan<byte> key)
    {
        nint pinned;
        var error = nint.Zero;
        fixed (byte* pointer = key)
        {
            pinned = NativeRocks.Get(_handle, snapshot?.Options ?? Latest, pointer, (nuint)key.Length, ref error);
        }

        RocksException.ThrowIf(error);
        if (pinned == 0)
        {
            return null;
        }

        var data = NativeRocks.PinnedValue(pinned, out var bytes);
        var value = new ReadOnlySpan<byte>(data, checked((int)bytes)).ToArray();
        NativeRocks.Unpin(pinned);
        return value;
    }

    /// <summary>An iterator over the state as it is now, or over a snapshot, which may go before it.</summary>
    public nint OpenIterator(RocksSnapshot? snapshot) => NativeRocks.CreateIterator(_handle, snapshot?.Options ?? Latest);

    public RocksSnapshot TakeSnapshot() => new(_handle);

    public void Dispose() => NativeRocks.Close(_handle);

    private static nint NewWriteOptions()
    {
        var options = NativeRocks.CreateWriteOptions();
        NativeRocks.DisableLog(options, 1);
        return options;
    }

    private static nint NewFlushOptions()
    {
        var options = NativeRocks.CreateFlushOptions();
        NativeRocks.SetWaitForFlush(options, 1);
        return options;
    }
}

/// <summary>A state of the database that stays readable until it is released; release it before the database is closed.</summary>
internal sealed class RocksSnapshot : IDisposable
{
    private readonly nint _database;
    private readonly nint _handle;

    public RocksSnapshot(nint database)
    {
        _database = database;
        _handle = NativeRocks.CreateSnapshot(database);
        Options = NativeRocks.CreateReadOptions();
        NativeRocks.SetSnapshot(Options, _handle);
    }

    /// <summary>Read options that choose this state.</summary>
    public nint Options { get; }

    public void Dispose()
    {
        NativeRocks.DestroyReadOptions(Options);
        NativeRocks.ReleaseSnapshot(_database, _handle);
    }
}
