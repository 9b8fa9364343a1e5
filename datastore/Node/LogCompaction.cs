using Raft.Consensus;

namespace Raft.Node;

/// <content>
/// Keeps the log short (Raft paper, section 7). The state is flushed first, beside the running work; only then may the log
/// forget what would be needed to make it again.
/// </content>
public sealed partial class Node
{
    private readonly LogCompactionPolicy _compaction;
    private long _compactions;
    private bool _isFlushing;

    private void CountTowardsCompaction(IReadOnlyList<LogEntry> applied)
    {
        _compaction.Applied(applied);
        if (!_compaction.IsDue || _isFlushing)
        {
            return;
        }

        _isFlushing = true;
        _compaction.FlushBegins();
        var reached = _applier.Record.Last.Index;
        AfterFlush(error =>
        {
            _isFlushing = false;
            if (error is not null)
            {
                throw new IOException("The store could not be flushed; the member stops before its log grows without bound.", error);
            }

            ForgetLog(reached);
        });
    }

    /// <summary>Flushes the state, beside the running work, and then goes on in a turn.</summary>
    private void AfterFlush(Action<Exception?> goOn) => _ports.State.FlushAsync().ContinueWith(
        flush => _inbox.Post(() => goOn(flush.Exception?.InnerException)),
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private void ForgetLog(LogIndex flushed)
    {
        var status = _consensus.Status;
        var last = _compaction.ForgetUpTo(flushed, NeededByOthers(status));
        if (last <= status.Base.Index)
        {
            return;
        }

        _consensus.Compact(last);
        _compaction.Forgot(last);
        _ports.Log.DiscardUpTo(_consensus.Status.Base);
        _compactions++;
    }

    /// <summary>Those that answer go on from what they have, or from the snapshot that is on its way to them.</summary>
    private LogIndex? NeededByOthers(ConsensusStatus status)
    {
        LogIndex? lowest = null;
        foreach (var (member, progress) in status.Progress)
        {
            if (member == status.Id || !progress.RecentlyActive)
            {
                continue;
            }

            var has = progress.ReceivingSnapshot && _snapshotsOnTheWay.TryGetValue(member, out var index) && index > progress.Match
                ? index
                : progress.Match;
            lowest = lowest is null || has < lowest ? has : lowest;
        }

        return lowest;
    }
}
