using Raft.Consensus;

namespace Raft.Node;

/// <summary>Up to where the log may be forgotten. Decides alone; <see cref="Node"/> acts.</summary>
/// <remarks>
/// A tail is kept for followers that were away shortly. A follower that answers but lags keeps what it needs in the log, within
/// a bound: otherwise one that is nearly there would need a whole snapshot, and after it perhaps another.
/// </remarks>
internal sealed class LogCompactionPolicy(NodeOptions options)
{
    // Applied entries not yet compacted, in pieces: the last index of each, and its bytes.
    private readonly List<(LogIndex Last, int Entries, long Bytes)> _pieces = [];
    private long _entriesSinceFlush;
    private long _bytesSinceFlush;

    /// <summary>Enough was applied since the last flush to make the next worth it.</summary>
    internal bool IsDue => _entriesSinceFlush >= options.SnapshotEntries || _bytesSinceFlush >= options.SnapshotBytes;

    internal void Applied(IReadOnlyList<LogEntry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        var bytes = entries.Sum(static entry => (long)entry.Data.Length);
        _pieces.Add((entries[^1].Id.Index, entries.Count, bytes));
        _entriesSinceFlush += entries.Count;
        _bytesSinceFlush += bytes;
    }

    internal void FlushBegins()
    {
        _entriesSinceFlush = 0;
        _bytesSinceFlush = 0;
    }

    /// <summary>The log begins after this entry now.</summary>
    internal void Forgot(LogIndex upTo) => _pieces.RemoveAll(piece => piece.Last <= upTo);

    /// <param name="flushed">The durable state has come this far.</param>
    /// <param name="needed">The lowest index after which a member that answers still needs entries; null: nobody does.</param>
    /// <returns>Forget up to here, inclusive.</returns>
    internal LogIndex ForgetUpTo(LogIndex flushed, LogIndex? needed)
    {
        var tail = StartOfNewest(flushed, options.CatchUpEntries, options.SnapshotBytes / 2);
        var kept = needed is { } lagging && lagging < tail ? lagging : tail;
        var bound = StartOfNewest(
            flushed, (long)options.SnapshotEntries * options.LagFactorMax, options.SnapshotBytes * options.LagFactorMax);
        return kept > bound ? kept : bound;
    }

    /// <summary>The index before the newest entries that stay within the limits.</summary>
    private LogIndex StartOfNewest(LogIndex upTo, long entriesMax, long bytesMax)
    {
        var start = upTo;
        for (var i = _pieces.Count - 1; i >= 0; i--)
        {
            var (last, entries, bytes) = _pieces[i];
            if (last > upTo)
            {
                continue;
            }

            entriesMax -= entries;
            bytesMax -= bytes;
            if (bytesMax < 0)
            {
                break;
            }

            if (entriesMax <= 0)
            {
                return new LogIndex(last.Value - (ulong)(entries + entriesMax));
            }

            start = new LogIndex(last.Value - (ulong)entries);
        }

        return start;
    }
}
