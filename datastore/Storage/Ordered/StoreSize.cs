namespace Raft.Storage.Ordered;

/// <summary>
/// The store's size. RocksDB takes its lock and visits all files to find out, so an answer is used for half a second.
/// </summary>
internal sealed class StoreSize
{
    private const long FreshMilliseconds = 500;

    private Answer? _last;

    public (long Total, long InUse) Of(Generation generation)
    {
        var last = Volatile.Read(ref _last);
        var now = Environment.TickCount64;
        if (last is null || now - last.At > FreshMilliseconds)
        {
            var buffers = generation.Database.Property("rocksdb.cur-size-all-mem-tables");
            var files = generation.Database.Property("rocksdb.total-sst-files-size");
            var live = generation.Database.Property("rocksdb.estimate-live-data-size");
            last = new(now, files + buffers, Math.Min(files, live) + buffers);
            Volatile.Write(ref _last, last);
        }

        return (last.Total, last.InUse);
    }

    public void Forget() => Volatile.Write(ref _last, null);

    private sealed record Answer(long At, long Total, long InUse);
}
