using System.Diagnostics;
using Raft.KeyValue.Ports;
using Raft.Node.Ports;
using Raft.Storage.Disk;
using Raft.Storage.Rocks;

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
    private readonly BlockCache _cache;
    private readonly WriteBatch _batch = new();
    private readonly StoreSize _size = new();
    private Generation _current;
    private ulong _number;
    private int _snapshots;
    private bool _disposed;

    private RocksStore(string path, string staging, StoreOptions options, BlockCache cache, Generation current, ulong number)
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

        var cache = new BlockCache(options.BlockCacheBytes);
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
            return generation.Get(null, key);
        }
        finally
        {
            generation.Release();
        }
    }

    /// <inheritdoc/>
    public IOrderedCursor OpenCursor() => new RocksCursor(Acquire(), null);

    /// <inheritdoc/>
    public IOrderedReader OpenView() => new RocksView(Acquire());

    /// <inheritdoc/>
    public void Write(OrderedBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _batch.Clear();
        foreach (var (kind, key, value) in batch.Span)
        {
            Add(kind, key.Span, value.Span);
        }

        try
        {
            _current.Database.Write(_batch);
        }
        catch (RocksException error)
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
                    generation.Database.CompactAll();
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
            generation.Database.SaveCheckpoint(path);
        }
        catch (RocksException error)
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
            _cache.Dispose();
        }
    }

    private void Add(OrderedWriteKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        switch (kind)
        {
            case OrderedWriteKind.Put:
                _batch.Put(key, value);
                break;
            case OrderedWriteKind.Delete:
                _batch.Delete(key);
                break;
            case OrderedWriteKind.DeleteRange when key.SequenceCompareTo(value) < 0:
                _batch.DeleteRange(key, value);
                break;
        }
    }

    private void Flush(Generation generation)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            generation.Database.Flush();
        }
        catch (RocksException error)
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
