using Raft.KeyValue.Ports;
using Raft.Storage.Rocks;

namespace Raft.Storage.Ordered;

/// <summary>A frozen view: a RocksDB snapshot.</summary>
internal sealed class RocksView : IOrderedReader
{
    private readonly Generation _generation;
    private readonly RocksSnapshot _snapshot;
    private int _disposed;

    /// <param name="generation">Acquired by the caller; released when the view is disposed of.</param>
    public RocksView(Generation generation)
    {
        _generation = generation;
        _snapshot = generation.Database.TakeSnapshot();
    }

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _generation.Get(_snapshot, key);
    }

    public IOrderedCursor OpenCursor()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _generation.TryAcquire()
            ? new RocksCursor(_generation, _snapshot)
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
    private nint _handle;
    private bool _stands;

    /// <param name="generation">Acquired by the caller; released when the cursor is disposed of.</param>
    /// <param name="snapshot">Which state to read; null for the newest.</param>
    public RocksCursor(Generation generation, RocksSnapshot? snapshot)
    {
        _generation = generation;
        _handle = generation.Database.OpenIterator(snapshot);
    }

    public ReadOnlySpan<byte> Key
    {
        get
        {
            var data = NativeRocks.KeyOf(Standing(), out var length);
            return new(data, checked((int)length));
        }
    }

    public ReadOnlySpan<byte> Value
    {
        get
        {
            var data = NativeRocks.ValueOf(Standing(), out var length);
            return new(data, checked((int)length));
        }
    }

    public bool SeekAtOrAfter(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            NativeRocks.SeekAtOrAfter(Handle(), pointer, (nuint)key.Length);
        }

        return Stands();
    }

    public bool SeekAtOrBefore(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            NativeRocks.SeekAtOrBefore(Handle(), pointer, (nuint)key.Length);
        }

        return Stands();
    }

    public bool MoveNext()
    {
        NativeRocks.Next(Standing());
        return Stands();
    }

    public bool MovePrevious()
    {
        NativeRocks.Previous(Standing());
        return Stands();
    }

    public void Dispose()
    {
        if (_handle != 0)
        {
            NativeRocks.DestroyIterator(_handle);
            _handle = 0;
            _generation.Release();
        }
    }

    private nint Handle()
    {
        ObjectDisposedException.ThrowIf(_handle == 0, this);
        return _handle;
    }

    /// <summary>The handle, if the cursor stands on a key: RocksDB itself does not check, and would crash.</summary>
    private nint Standing() =>
        _stands ? Handle() : throw new InvalidOperationException("The cursor stands on no key.");

    private bool Stands()
    {
        _stands = NativeRocks.IsValid(_handle) != 0;
        if (!_stands)
        {
            var error = nint.Zero;
            NativeRocks.ErrorOf(_handle, ref error);
            try
            {
                RocksException.ThrowIf(error);
            }
            catch (RocksException damage)
            {
                throw _generation.Unreadable(damage);
            }
        }

        return _stands;
    }
}
