using Raft.KeyValue.Ports;
using RocksDbSharp;

namespace Raft.Storage.Ordered;

/// <summary>A frozen view: a RocksDB snapshot.</summary>
internal sealed class RocksView : IOrderedReader
{
    private readonly Generation _generation;
    private readonly Snapshot _snapshot;
    private readonly ReadOptions _options;
    private int _disposed;

    /// <param name="generation">Acquired by the caller; released when the view is disposed of.</param>
    public RocksView(Generation generation)
    {
        _generation = generation;
        _snapshot = generation.Database.CreateSnapshot();
        _options = new ReadOptions().SetSnapshot(_snapshot);
    }

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return RocksStore.Get(_generation, _options, key);
    }

    public IOrderedCursor OpenCursor()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _generation.TryAcquire()
            ? new RocksCursor(_generation, _options)
            : throw new ObjectDisposedException(nameof(RocksView));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _snapshot.Dispose();
            _generation.Release();
        }
    }
}

/// <summary>
/// A RocksDB iterator. Key and value are spans over RocksDB's own memory, without a copy; they are valid until the next move.
/// </summary>
internal sealed unsafe class RocksCursor : IOrderedCursor
{
    private readonly Generation _generation;
    private readonly Iterator _iterator;
    private readonly ReadOptions _options; // keeps the native options alive
    private IntPtr _handle;
    private bool _stands;

    /// <param name="generation">Acquired by the caller; released when the cursor is disposed of.</param>
    /// <param name="options">Which state to read.</param>
    public RocksCursor(Generation generation, ReadOptions options)
    {
        _generation = generation;
        _options = options;
        _iterator = generation.Database.NewIterator(null, options);
        _handle = _iterator.Handle;
    }

    public ReadOnlySpan<byte> Key
    {
        get
        {
            var data = Native.Instance.rocksdb_iter_key(Standing(), out var length);
            return new((void*)data, checked((int)length));
        }
    }

    public ReadOnlySpan<byte> Value
    {
        get
        {
            var data = Native.Instance.rocksdb_iter_value(Standing(), out var length);
            return new((void*)data, checked((int)length));
        }
    }

    public bool SeekAtOrAfter(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            Native.Instance.rocksdb_iter_seek(Handle(), pointer, (nuint)key.Length);
        }

        return Stands();
    }

    public bool SeekAtOrBefore(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            Native.Instance.rocksdb_iter_seek_for_prev(Handle(), pointer, (nuint)key.Length);
        }

        return Stands();
    }

    public bool MoveNext()
    {
        Native.Instance.rocksdb_iter_next(Standing());
        return Stands();
    }

    public bool MovePrevious()
    {
        Native.Instance.rocksdb_iter_prev(Standing());
        return Stands();
    }

    public void Dispose()
    {
        if (_handle != IntPtr.Zero)
        {
            _handle = IntPtr.Zero;
            _iterator.Dispose();
            _generation.Release();
            GC.KeepAlive(_options);
        }
    }

    private IntPtr Handle()
    {
        ObjectDisposedException.ThrowIf(_handle == IntPtr.Zero, this);
        return _handle;
    }

    /// <summary>The handle, if the cursor stands on a key: RocksDB itself does not check, and would crash.</summary>
    private IntPtr Standing() =>
        _stands ? Handle() : throw new InvalidOperationException("The cursor stands on no key.");

    private bool Stands()
    {
        _stands = Native.Instance.rocksdb_iter_valid(_handle) != 0;
        if (!_stands)
        {
            Native.Instance.rocksdb_iter_get_error(_handle, out var error);
            if (error != IntPtr.Zero)
            {
                throw new StoreException($"The store cannot be read: {new RocksDbException(error).Message}");
            }
        }

        return _stands;
    }
}
