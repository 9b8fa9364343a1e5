using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <summary>
/// How log and state are put together after a restart. What may be found on disk follows from three orders: the state is
/// flushed before the log forgets; entries are durable in the log before they are applied; an installed snapshot is durable
/// before the log begins anew after it. So exactly one of these cases holds.
/// </summary>
internal static class Recovery
{
    private const string Advice = "Remove this member from the cluster and add it again with an empty data directory.";

    /// <summary>What to start from, and whether the log must first be told to begin anew after the state.</summary>
    internal sealed record Plan(RecoveredState State, bool MustResetLog);

    /// <summary>What was found, as far as the cases ask.</summary>
    /// <param name="Base">The entry before the log's first.</param>
    /// <param name="Last">The log's last entry, or its base.</param>
    /// <param name="Applied">The last entry in the state.</param>
    /// <param name="TermThere">The log's term at the applied index; null if it does not reach there.</param>
    internal readonly record struct Found(EntryId Base, EntryId Last, EntryId Applied, Term? TermThere)
    {
        internal bool HasState => Applied != EntryId.Zero;

        internal bool HasLog => Last != EntryId.Zero;
    }

    internal enum Outcome
    {
        /// <summary>The log goes on from the state.</summary>
        GoOn,

        /// <summary>The state stands alone; the log begins anew after it.</summary>
        ResetLog,

        /// <summary>Log and state cannot both be this member's.</summary>
        Refuse,
    }

    /// <param name="Label">Names the case.</param>
    /// <param name="Holds">Whether it is this one.</param>
    /// <param name="Outcome">What is done.</param>
    /// <param name="Meaning">What happened; of refusals, what the operator is told.</param>
    internal sealed record Case(string Label, Func<Found, bool> Holds, Outcome Outcome, string Meaning);

    internal static IReadOnlyList<Case> Cases { get; } =
    [
        new("blank", found => !found.HasState && !found.HasLog, Outcome.GoOn,
            "a member that joins and has heard of no leader yet"),
        new("log without state", found => !found.HasState && found.HasLog && found.Base == EntryId.Zero, Outcome.Refuse,
            "the log has entries from the first on, but every cluster begins with a state: the store was deleted"),
        new("compacted log without state", found => !found.HasState && found.HasLog && found.Base != EntryId.Zero, Outcome.Refuse,
            "the log was compacted, but the store that holds the effect of what it forgot is empty"),
        new("state alone", found => found.HasState && !found.HasLog, Outcome.ResetLog,
            "the first start of a new cluster, or a crash after a joining member installed its first snapshot"),
        new("state behind the log", found => found.HasState && found.HasLog && found.Applied.Index < found.Base.Index, Outcome.Refuse,
            "entries that the store needs are gone from the log: the store is an older copy"),
        new("state of another log", found => found.HasState && found.HasLog && found.Applied.Index == found.Base.Index
            && found.Applied.Term != found.Base.Term, Outcome.Refuse,
            "store and log disagree about an entry that both hold to be committed"),
        new("log holds the state's last entry", found => found.HasState && found.HasLog && found.Applied.Index >= found.Base.Index
            && found.TermThere == found.Applied.Term, Outcome.GoOn,
            "a stop, or a crash: entries after the applied one are applied again once they are known to be committed"),
        new("snapshot over a log that differs", found => found.HasState && found.HasLog && found.Applied.Index > found.Base.Index
            && found.TermThere is { } term && term != found.Applied.Term, Outcome.ResetLog,
            "a crash after a snapshot was installed: the log still holds entries that were never committed"),
        new("snapshot beyond the log", found => found.HasState && found.HasLog && found.Applied.Index > found.Last.Index, Outcome.ResetLog,
            "a crash after a snapshot was installed, before the log began anew"),
    ];

    /// <exception cref="InvariantViolationException">Log and state cannot both be this member's.</exception>
    internal static Plan Combine(RecoveredLog log, AppliedRecord applied)
    {
        var last = log.Entries.Count > 0 ? log.Entries[^1].Id : log.Base;
        var found = new Found(log.Base, last, applied.Last, TermAt(log, applied.Last.Index));
        var matching = Match(found);
        return matching.Outcome switch
        {
            Outcome.GoOn => new Plan(
                new(log.HardState, log.Base, log.Entries, applied.Last.Index, applied.Configuration), MustResetLog: false),
            Outcome.ResetLog => new Plan(AfterState(log.HardState, applied), MustResetLog: true),
            _ => throw new InvariantViolationException(
                $"{matching.Label}: {matching.Meaning} (the log goes from {found.Base} to {found.Last}, the store is at {found.Applied}). {Advice}"),
        };
    }

    internal static Case Match(Found found)
    {
        var matching = Cases.Where(candidate => candidate.Holds(found)).ToList();
        Invariant.Holds(matching.Count == 1, $"one case of recovery holds, but {matching.Count} do for {found}");
        return matching[0];
    }

    private static RecoveredState AfterState(HardState hardState, AppliedRecord applied)
    {
        // A member that never was in the state's term has given no vote in it.
        var known = hardState.Term >= applied.Last.Term ? hardState : new HardState(applied.Last.Term, MemberId.None, default);
        return new(known with { Commit = applied.Last.Index }, applied.Last, [], applied.Last.Index, applied.Configuration);
    }

    private static Term? TermAt(RecoveredLog log, LogIndex index)
    {
        if (index <= log.Base.Index)
        {
            return index == log.Base.Index ? log.Base.Term : null;
        }

        var offset = index.Value - log.Base.Index.Value - 1;
        return offset < (ulong)log.Entries.Count ? log.Entries[(int)offset].Id.Term : null;
    }
}
