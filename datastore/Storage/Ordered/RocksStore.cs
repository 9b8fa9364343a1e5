using System.Diagnostics;
using Raft.KeyValue.Ports;
using Raft.Node.Ports;
using Raft.Storage.Disk;
using RocksDbSharp;

namespace Raft.Storage.Ordered;

/// <summary>
/// The ordered store on RocksDB. Its folder holds generations, of which a small file names the one that counts:
/// <code>
/// CURRENT                      the name of a generation
/// generation-0000000000000001  a RocksDB database
/// </code>
/// Installing a snapshot makes it the next generation and replaces CURRENT atomically; a crash leaves the one or the other.
/// </summary>
public sealed class RocksStore : IStateStore, ISnapshotReceiver
{
    private const string CurrentName = "CURRENT";
    private const string GenerationPrefix = "generation-";

    private readonly string _path;
    private readonly string _staging;
    private readonly StoreOptions _options;
    private readonly Cache _cache;
    private readonly WriteBatch _batch = new();
    private readonly ReadOptions _latest = new();
    private readonly StoreSize _size = new();
    private Generation _current;
    private ulong _number;
    private int _snapshots;
    private bool _disposed;

    private RocksStore(string path, string staging, StoreOptions options, Cache cache, Generation current, ulong number)
    {
        (_path, _staging, _options, _cache, _current, _number) = (path, staging, options, cache, current, number);
    }

    /// <inheritdoc/>
    public (long Total, long InUse) SizeBytes => With(_size.Of);

    /// <summary>Opens the store, or makes an empty one. Left-overs of unfinished installs are removed.</summary>
    /// <param name="path">Folder of the generations; it must exist.</param>
    /// <param name="staging">Folder for snapshots on their way, on the same volume; it must exist.</param>
    /// <param name="options">Settings.</param>
    /// <exception cref="StoreException">What is there cannot be opened.</exception>
    public static RocksStore Open(string path, string staging, StoreOptions options)
    {
        var disk = new RealDisk(path);
        var names = disk.List();
        var isNew = !names.Contains(CurrentName);
        var name = isNew ? GenerationName(1) : System.Text.Encoding.ASCII.GetString(AtomicFile.Read(disk, CurrentName)).Trim();
        if (GenerationNumber(name) is not { } number || (!isNew && !Directory.Exists(Path.Combine(path, name))))
        {
            throw new StoreException(
                $"'{disk.Describe(CurrentName)}' names '{name}', which is not there. Remove the member from the cluster and add it "
                + "again with an empty data directory.");
        }

        foreach (var stale in names.Where(other => GenerationNumber(other) is not null && (isNew || other != name)))
        {
            Directory.Delete(Path.Combine(path, stale), recursive: true);
        }

        var cache = StoreTuning.Cache(options);
        var current = Generation.Open(Path.Combine(path, name), options, cache, create: isNew);
        if (isNew)
        {
            PointTo(disk, name);
        }

        return new(path, staging, options, cache, current, number);
    }

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        var generation = Acquire();
        try
        {
            return Get(generation, _latest, key);
        }
        finally
        {
            generation.Release();
        }
    }

    /// <inheritdoc/>
    public IOrderedCursor OpenCursor() => new RocksCursor(Acquire(), _latest);

    /// <inheritdoc/>
    public IOrderedReader OpenView() => new RocksView(Acquire());

    /// <inheritdoc/>
    public void Write(OrderedBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _batch.Clear();
        foreach (var (kind, key, value) in batch.Writes)
        {
            Add(kind, key.Span, value.Span);
        }

        try
        {
            _current.Database.Write(_batch, StoreTuning.Write);
        }
        catch (RocksDbException error)
        {
            throw new StoreException($"The store in '{_path}' cannot be written: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public Task FlushAsync()
    {
        var generation = Acquire();
        return Task.Factory.StartNew(
            () =>
            {
                try
                {
                    Flush(generation);
                }
                finally
                {
                    generation.Release();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public Task CompactFilesAsync()
    {
        var generation = Acquire();
        return Task.Factory.StartNew(
            () =>
            {
                try
                {
                    Flush(generation);
                    generation.Database.CompactRange((byte[]?)null, null);
                    _size.Forget();
                }
                finally
                {
                    generation.Release();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// What is still in memory is flushed first, on the caller's thread: await <see cref="FlushAsync"/> before, and it takes a
    /// few milliseconds.
    /// </remarks>
    public IStateSnapshot TakeSnapshot()
    {
        var started = Stopwatch.GetTimestamp();
        var path = Path.Combine(_staging, $"out-{Interlocked.Increment(ref _snapshots)}");
        var generation = Acquire();
        try
        {
            using var checkpoint = generation.Database.Checkpoint();
            checkpoint.Save(path, 0);
        }
        catch (RocksDbException error)
        {
            throw new StoreException($"No snapshot of '{_path}' can be taken: {error.Message}", error);
        }
        finally
        {
            generation.Release();
        }

        StorageMetrics.SnapshotSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return new CheckpointSnapshot(path);
    }

    /// <inheritdoc/>
    public IReceivedSnapshot Begin() => new StagedSnapshot(Path.Combine(_staging, $"in-{Interlocked.Increment(ref _snapshots)}"));

    /// <inheritdoc/>
    public void Install(IReceivedSnapshot snapshot)
    {
        var staged = (StagedSnapshot)snapshot;
        var number = _number + 1;
        var name = GenerationName(number);
        var path = Path.Combine(_path, name);
        staged.MoveTo(path);
        var disk = new RealDisk(_path);
        disk.SyncNames();

        // Opened before it counts: a snapshot that RocksDB refuses leaves the store as it was.
        Generation next;
        try
        {
            next = Generation.Open(path, _options, _cache, create: false);
        }
        catch (StoreException)
        {
            Directory.Delete(path, recursive: true);
            throw;
        }

        PointTo(disk, name);
        var old = _current;
        Volatile.Write(ref _current, next);
        _number = number;
        _size.Forget();
        old.MarkObsolete();
        old.Release();
    }

    /// <summary>Flushes what is in memory and closes the files. Views that are still open keep theirs open.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _current.Release();
            _batch.Dispose();
        }
    }

    internal static unsafe byte[]? Get(Generation generation, ReadOptions options, ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            var slice = Native.Instance.rocksdb_get_pinned(
                generation.Database.Handle, options.Handle, pointer, (nuint)key.Length, out var error);
            if (error != IntPtr.Zero)
            {
                throw new StoreException($"The store in '{generation.Path}' cannot be read: {new RocksDbException(error).Message}");
            }

            if (slice == IntPtr.Zero)
            {
                return null;
            }

            var data = Native.Instance.rocksdb_pinnableslice_value(slice, out var length);
            var value = new ReadOnlySpan<byte>((void*)data, checked((int)length)).ToArray();
            Native.Instance.rocksdb_pinnableslice_destroy(slice);
            GC.KeepAlive(options);
            return value;
        }
    }

    private unsafe void Add(OrderedWriteKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key, valuePointer = value)
        {
            var (keyBytes, valueBytes) = ((nuint)key.Length, (nuint)value.Length);
            switch (kind)
            {
                case OrderedWriteKind.Put:
                    Native.Instance.rocksdb_writebatch_put(_batch.Handle, keyPointer, keyBytes, valuePointer, valueBytes);
                    break;
                case OrderedWriteKind.Delete:
                    Native.Instance.rocksdb_writebatch_delete(_batch.Handle, keyPointer, keyBytes);
                    break;
                case OrderedWriteKind.DeleteRange when key.SequenceCompareTo(value) < 0:
                    Native.Instance.rocksdb_writebatch_delete_range(_batch.Handle, keyPointer, keyBytes, valuePointer, valueBytes);
                    break;
            }
        }
    }

    private void Flush(Generation generation)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            generation.Database.Flush(StoreTuning.Flush);
        }
        catch (RocksDbException error)
        {
            throw new StoreException($"The store in '{_path}' cannot be flushed: {error.Message}", error);
        }

        StorageMetrics.StoreFlushSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private Generation Acquire()
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var generation = Volatile.Read(ref _current);
            if (generation.TryAcquire())
            {
                return generation;
            }
        }
    }

    private T With<T>(Func<Generation, T> use)
    {
        var generation = Acquire();
        try
        {
            return use(generation);
        }
        finally
        {
            generation.Release();
        }
    }

    private static void PointTo(RealDisk disk, string name) =>
        AtomicFile.Write(disk, CurrentName, System.Text.Encoding.ASCII.GetBytes(name + "\n"));

    private static string GenerationName(ulong number) => $"{GenerationPrefix}{number:x16}";

    private static ulong? GenerationNumber(string name) =>
        name.StartsWith(GenerationPrefix, StringComparison.Ordinal)
        && ulong.TryParse(name.AsSpan(GenerationPrefix.Length), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var number)
            ? number
            : null;
}
