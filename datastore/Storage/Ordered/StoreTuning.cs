using RocksDbSharp;

namespace Raft.Storage.Ordered;

/// <summary>How RocksDB is set up, and why.</summary>
internal static class StoreTuning
{
    /// <summary>
    /// Writes go to memory only: the Raft log is the write-ahead log. RocksDB flushes whole buffers in the order they were
    /// filled, and a batch is never split over two, so what a crash leaves is a prefix of the batches.
    /// </summary>
    public static WriteOptions Write { get; } = new WriteOptions().DisableWal(1);

    /// <summary>Waits until all that was written is in synced files.</summary>
    public static FlushOptions Flush { get; } = new FlushOptions().SetWaitForFlush(true);

    /// <summary>A block cache that generations of the store share, so that an install does not double it.</summary>
    public static Cache Cache(StoreOptions options) => RocksDbSharp.Cache.CreateLru((ulong)options.BlockCacheBytes);

    public static DbOptions Options(StoreOptions options, Cache cache, bool create)
    {
        var tables = new BlockBasedTableOptions()
            .SetBlockCache(cache)
            .SetBlockSize(16 * 1024)
            .SetFormatVersion(5)
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false)) // 1 % of lookups of absent keys touch a block
            .SetWholeKeyFiltering(true)
            .SetCacheIndexAndFilterBlocks(true) // so that the cache's size bounds them too
            .SetPinL0FilterAndIndexBlocksInCache(true);

        var settings = new DbOptions()
            .SetCreateIfMissing(create)
            .SetParanoidChecks(true)
            .SetMaxBackgroundCompactions(Math.Max(1, options.BackgroundThreads - 1))
            .SetMaxBackgroundFlushes(1)
            // Hand dirty pages to the disk while files are written: a flood of them at the end would hold up the log's syncs.
            .SetBytesPerSync(1024 * 1024)
            .SetMaxManifestFileSize(16 * 1024 * 1024)
            .SetKeepLogFileNum(2)
            .SetMaxLogFileSize(1024 * 1024)
            .SetStatsDumpPeriodSec(0);
        settings
            .SetInfoLogLevel(InfoLogLevel.Warn)
            .SetBlockBasedTableFactory(tables)
            .SetWriteBufferSize((ulong)options.WriteBufferBytes)
            .SetMaxWriteBufferNumber(3)
            .SetTargetFileSizeBase(64 * 1024 * 1024)
            .SetMaxBytesForLevelBase(256 * 1024 * 1024)
            .SetLevelCompactionDynamicLevelBytes(true) // bounds the space that overwritten data takes to about a tenth
            .SetCompression(Compression.Lz4);
        return settings;
    }
}
