using Microsoft.Win32.SafeHandles;

namespace Raft.Storage.Rocks;

/// <summary>
/// Blocks read from disk, in native memory up to a bound, found without a lock (RocksDB's HyperClockCache). Databases that use
/// it keep it alive themselves.
/// </summary>
internal sealed class BlockCache : SafeHandleZeroOrMinusOneIsInvalid
{
    public BlockCache(long bytes)
        : base(ownsHandle: true) => SetHandle(NativeRocks.CreateCache((nuint)bytes, expectedEntryBytes: 0));

    protected override bool ReleaseHandle()
    {
        NativeRocks.DestroyCache(handle);
        return true;
    }
}
