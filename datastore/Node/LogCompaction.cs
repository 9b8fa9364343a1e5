using Raft.Consensus;

namespace Raft.Node;

/// <content>
/// Keeps the log short (Raft paper, section 7). The state is flushed first, beside the running work; only then may the log
/// forget what would be needed to make it again.
/// </content>
public sealed partial class Node
{
    private long _entriesSinceFlush;
    private long _bytesSinceFlush;
    private long _compactions;
    private bool _isFlushing;

    private void CountTowardsCompaction(IReadOnlyList<LogEntry> applied)
    {
        _entriesSinceFlush += applied.Count;
        foreach (var entry in applied)
        {
            _bytesSinceFlush += entry.Data.Length;
        }

        var isDue = _entriesSinceFlush >= _options.SnapshotEntries || _bytesSinceFlush >= _options.SnapshotBytes;
        if (!isDue || _isFlushing)
        {
            return;
        }

        _isFlushing = true;
        var reached = _applier.Record.Last.Index;
        var isLarge = _bytesSinceFlush >= _options.SnapshotBytes;
        _entriesSinceFlush = 0;
        _bytesSinceFlush = 0;
        _ports.State.FlushAsync().ContinueWith(
            flush => _inbox.Post(() => Flushed(flush.Exception, reached, isLarge)),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void Flushed(Exception? error, LogIndex reached, bool isLarge)
    {
        _isFlushing = false;
        if (error is not null)
        {
            throw new IOException("The store could not be flushed; the member stops before its log grows without bound.", error);
        }

        // Large entries are not kept for the sake of followers: memory is dearer than a snapshot.
        var kept = isLarge ? 0 : (ulong)_options.CatchUpEntries;
        var status = _consensus.Status;
        var last = reached.Value > kept ? new LogIndex(reached.Value - kept) : LogIndex.Zero;
        if (last <= status.Base.Index)
        {
            return;
        }

        _consensus.Compact(last);
        _ports.Log.DiscardUpTo(_consensus.Status.Base);
        _compactions++;
    }
}
