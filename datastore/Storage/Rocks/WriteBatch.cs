namespace Raft.Storage.Rocks;

/// <summary>Changes that are written together; filled again and again, by one thread.</summary>
internal sealed unsafe class WriteBatch : IDisposable
{
    public nint Handle { get; } = NativeRocks.CreateBatch();

    public void Clear() => NativeRocks.ClearBatch(Handle);

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key, valuePointer = value)
        {
            NativeRocks.BatchPut(Handle, keyPointer, (nuint)key.Length, valuePointer, (nuint)value.Length);
        }
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            NativeRocks.BatchDelete(Handle, pointer, (nuint)key.Length);
        }
    }

    /// <summary>Removes from a key (inclusive) to another (exclusive).</summary>
    public void DeleteRange(ReadOnlySpan<byte> from, ReadOnlySpan<byte> until)
    {
        fixed (byte* fromPointer = from, untilPointer = until)
        {
            NativeRocks.BatchDeleteRange(Handle, fromPointer, (nuint)from.Length, untilPointer, (nuint)until.Length);
        }
    }

    public void Dispose() => NativeRocks.DestroyBatch(Handle);
}
