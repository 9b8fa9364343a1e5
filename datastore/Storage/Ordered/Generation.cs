using Raft.Storage.Rocks;

namespace Raft.Storage.Ordered;

/// <summary>
/// One RocksDB database: the store's content from one installed snapshot to the next. Counted by those who read it, closed
/// when the store has moved on and the last of them is done, and then, if it was replaced, deleted from disk.
/// </summary>
internal sealed class Generation
{
    private int _users = 1;
    private bool _obsolete;

    private Generation(RocksDatabase database, string path)
    {
        Database = database;
        Path = path;
    }

    public RocksDatabase Database { get; }

    public string Path { get; }

    /// <exception cref="StoreException">RocksDB refuses the files.</exception>
    public static Generation Open(string path, StoreOptions options, BlockCache cache, bool create)
    {
        try
        {
            using var tuning = new StoreTuning(options, cache, create);
            return new(RocksDatabase.Open(path, tuning), path);
        }
        catch (RocksException error) when (error.IsInUse)
        {
            throw new StoreException($"The store in '{path}' is in use by another process: {error.Message}", error);
        }
        catch (RocksException error)
        {
            throw new StoreException(
                $"The store in '{path}' cannot be opened: {error.Message} If the disk is healthy and the files are damaged, remove "
                + "the member from the cluster and add it again with an empty data directory.",
                error);
        }
    }

    /// <summary>Counts one more user. False: it is closed already, and a newer generation is there.</summary>
    public bool TryAcquire()
    {
        for (var users = Volatile.Read(ref _users); users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Counts one user less; the last one closes the database.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            return;
        }

        Database.Dispose();
        if (_obsolete)
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    /// <summary>Its files go once it is closed. Call before the store's own <see cref="Release"/>.</summary>
    public void MarkObsolete() => _obsolete = true;

    /// <summary>The value of a key, or null; as it is now, or in a snapshot.</summary>
    /// <exception cref="StoreException">What is there cannot be read.</exception>
    public byte[]? Get(RocksSnapshot? snapshot, ReadOnlySpan<byte> key)
    {
        try
        {
            return Database.Get(snapshot, key);
        }
        catch (RocksException damage)
        {
            throw Unreadable(damage);
        }
    }

    public StoreException Unreadable(RocksException damage) => new($"The store in '{Path}' cannot be read: {damage.Message}", damage);
}
