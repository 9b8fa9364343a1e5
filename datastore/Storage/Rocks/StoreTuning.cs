using Raft.Storage.Ordered;

namespace Raft.Storage.Rocks;

/// <summary>How RocksDB is set up, and why: its options for one opening of a database.</summary>
internal sealed class StoreTuning : IDisposable
{
    private const byte On = 1;
    private const int Warnings = 2;
    private const int BinaryAndHash = 1; // a lookup of one key finds its place in a block at once
    private const int Uncompressed = 0;
    private const int Lz4 = 4;
    private const double FilterBitsPerKey = 10; // 1 % of lookups of absent keys touch a block
    private const int TableFormat = 5;

    private const int BlockBytes = 8 * 1024;
    private const int MaxWriteBuffers = 3;
    private const int TargetFileBytes = 64 * 1024 * 1024;

    // Newest files that are merged at once into the next level, all of whose data is written again: with four times as many as by
    // default that is done a quarter as often, and takes a quarter less processor time of a put than with twice as many. Ranges were
    // measured to be no slower by it: a scan goes through all of these files, but most of its steps stay in one.
    private const int NewestFilesMin = 16;

    // So far writes may outrun the merging before they are slowed down, and then stopped.
    private const int NewestFilesSlow = 40;
    private const int NewestFilesMax = 60;
    private const int LevelBaseBytes = 256 * 1024 * 1024;
    private const int InfoLogBytes = 1024 * 1024;
    private const int ManifestBytes = 16 * 1024 * 1024;

    // Dirty pages go to the disk while files are written: a flood of them at the end would hold up the log's syncs.
    private const int BytesPerSync = 1024 * 1024;

    /// <param name="options">What the user may choose.</param>
    /// <param name="cache">Shared by generations of the store, so that an install does not double it.</param>
    /// <param name="create">Whether the database may be new.</param>
    public StoreTuning(StoreOptions options, BlockCache cache, bool create)
    {
        Options = NativeRocks.CreateOptions();
        NativeRocks.SetCreateIfMissing(Options, create ? On : (byte)0);
        NativeRocks.SetParanoidChecks(Options, On);
        NativeRocks.SetMaxBackgroundJobs(Options, options.BackgroundThreads);
        NativeRocks.SetBytesPerSync(Options, BytesPerSync);
        NativeRocks.SetMaxManifestFileSize(Options, ManifestBytes);
        NativeRocks.SetKeepLogFileNumber(Options, 2);
        NativeRocks.SetMaxLogFileSize(Options, InfoLogBytes);
        NativeRocks.SetStatsDumpPeriod(Options, 0);
        NativeRocks.SetInfoLogLevel(Options, Warnings);
        NativeRocks.SetWriteBufferSize(Options, (nuint)options.WriteBufferBytes);
        NativeRocks.SetMaxWriteBuffers(Options, MaxWriteBuffers);
        NativeRocks.SetTargetFileSize(Options, TargetFileBytes);
        NativeRocks.SetNewestFilesMin(Options, NewestFilesMin);
        NativeRocks.SetNewestFilesSlow(Options, NewestFilesSlow);
        NativeRocks.SetNewestFilesMax(Options, NewestFilesMax);
        NativeRocks.SetLevelBaseBytes(Options, LevelBaseBytes);
        NativeRocks.SetDynamicLevelBytes(Options, On); // bounds the space that overwritten data takes to about a tenth
        SetCompression();
        SetTables(cache);
    }

    public nint Options { get; }

    /// <summary>Once the database is open, it has its own copy.</summary>
    public void Dispose() => NativeRocks.DestroyOptions(Options);

    /// <summary>What was just flushed is soon merged into the next level: it is not worth compressing.</summary>
    private unsafe void SetCompression()
    {
        ReadOnlySpan<int> levels = [Uncompressed, Lz4, Lz4, Lz4, Lz4, Lz4, Lz4];
        fixed (int* first = levels)
        {
            NativeRocks.SetCompressionOfLevels(Options, first, (nuint)levels.Length);
        }
    }

    private void SetTables(BlockCache cache)
    {
        var tables = NativeRocks.CreateTableOptions();
        NativeRocks.SetBlockCache(tables, cache.DangerousGetHandle());
        NativeRocks.SetBlockSize(tables, BlockBytes);
        NativeRocks.SetDataBlockIndex(tables, BinaryAndHash);
        NativeRocks.SetFormatVersion(tables, TableFormat);
        NativeRocks.SetFilterPolicy(tables, NativeRocks.CreateBloomFilter(FilterBitsPerKey));
        NativeRocks.SetWholeKeyFiltering(tables, On);
        NativeRocks.SetCacheIndexAndFilter(tables, On); // so that the cache's size bounds them too
        NativeRocks.SetPinNewestIndexAndFilter(tables, On);
        NativeRocks.SetBlockBasedTables(Options, tables);
        NativeRocks.DestroyTableOptions(tables);
        GC.KeepAlive(cache);
    }
}
