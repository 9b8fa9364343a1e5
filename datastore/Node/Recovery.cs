using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <summary>
/// How log and state are put together after a restart. The state is flushed before the log is compacted, and never runs
/// ahead of the durable log, except right after a snapshot was installed; so exactly one of these cases holds.
/// </summary>
internal static class Recovery
{
    /// <summary>What to start from, and whether the log must first be told to begin anew after the state.</summary>
    internal sealed record Plan(RecoveredState State, bool MustResetLog);

    /// <exception cref="InvariantViolationException">Log and state cannot both be this member's.</exception>
    internal static Plan Combine(RecoveredLog log, AppliedRecord applied)
    {
        var last = log.Entries.Count > 0 ? log.Entries[^1].Id : log.Base;
        if (applied.Last.Index < log.Base.Index)
        {
            throw new InvariantViolationException(
                $"The store has applied {applied.Last.Index}, but the log begins after {log.Base.Index}: entries that the store needs are "
                + "gone. Remove this member from the cluster and add it again with an empty data directory.");
        }

        return applied.Last.Index <= last.Index && TermAt(log, applied.Last.Index) == applied.Last.Term
            ? new Plan(WithLog(log, applied), MustResetLog: false)
            : new Plan(AfterSnapshot(log, applied), MustResetLog: true);
    }

    private static RecoveredState WithLog(RecoveredLog log, AppliedRecord applied) =>
        new(log.HardState, log.Base, log.Entries, applied.Last.Index, applied.Configuration);

    /// <summary>The state is a snapshot's (or a new cluster's) and the log was not reset before the crash.</summary>
    private static RecoveredState AfterSnapshot(RecoveredLog log, AppliedRecord applied)
    {
        var hardState = log.HardState.Term >= applied.Last.Term
            ? log.HardState with { Commit = applied.Last.Index }
            : new HardState(applied.Last.Term, MemberId.None, applied.Last.Index);
        return new(hardState, applied.Last, [], applied.Last.Index, applied.Configuration);
    }

    private static Term? TermAt(RecoveredLog log, LogIndex index) =>
        index == log.Base.Index ? log.Base.Term : log.Entries[(int)(index.Value - log.Base.Index.Value) - 1].Id.Term;
}
