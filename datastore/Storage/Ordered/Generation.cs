using System.Text;
using RocksDbSharp;

namespace Raft.Storage.Ordered;

/// <summary>
/// One RocksDB database: the store's content from one installed snapshot to the next. Counted by those who read it, closed
/// when the store has moved on and the last of them is done, and then, if it was replaced, deleted from disk.
/// </summary>
internal sealed class Generation
{
    private int _users = 1;
    private bool _obsolete;

    private Generation(RocksDb database, string path)
    {
        Database = database;
        Path = path;
    }

    public RocksDb Database { get; }

    public string Path { get; }

    /// <exception cref="StoreException">RocksDB refuses the files.</exception>
    public static Generation Open(string path, StoreOptions options, Cache cache, bool create)
    {
        try
        {
            return new(RocksDb.Open(StoreTuning.Options(options, cache, create), path), path);
        }
        catch (RocksDbException error)
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

    /// <summary>One of RocksDB's numbers about itself.</summary>
    public unsafe long Property(string name)
    {
        ulong value;
        var bytes = Encoding.ASCII.GetBytes(name + '\0');
        fixed (byte* pointer = bytes)
        {
            return Native.Instance.rocksdb_property_int(Database.Handle, (IntPtr)pointer, (IntPtr)(&value)) == 0 ? (long)value : 0;
        }
    }
}
