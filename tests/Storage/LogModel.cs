using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Storage.Tests;

/// <summary>What a log must hold after some writes; and a generator of writes as a member makes them.</summary>
internal sealed record LogModel(HardState HardState, EntryId Snapshot, IReadOnlyList<LogEntry> Entries, LogIndex Committed)
{
    public static LogModel Empty { get; } = new(default, default, [], default);

    public LogIndex Last => Entries is [.., var last] ? last.Id.Index : Snapshot.Index;

    public LogModel After(LogWrite write)
    {
        var entries = Entries;
        var snapshot = Snapshot;
        if (write.Snapshot is { } id)
        {
            (snapshot, entries) = (id, []);
        }

        if (write.Entries is [var first, ..])
        {
            entries = [.. entries.TakeWhile(entry => entry.Id.Index < first.Id.Index), .. write.Entries];
        }

        var state = write.HardState ?? HardState;
        return new(state, snapshot, entries, new(Math.Max(Math.Max(Committed.Value, state.Commit.Value), snapshot.Index.Value)));
    }

    /// <summary>Whether a recovered log is this one. Discarding is lazy: the log may still start earlier.</summary>
    public bool Matches(RecoveredLog log) =>
        log.HardState == HardState
        && log.Base.Index <= new LogIndex(Math.Max(Committed.Value, Snapshot.Index.Value))
        && log.Base.Index >= Snapshot.Index
        && log.Entries.SequenceEqual(Entries.Where(entry => entry.Id.Index > log.Base.Index), SameEntry.Instance);

    /// <summary>A write that a member could make next.</summary>
    public LogWrite Next(Random random, ulong sequence)
    {
        var term = new Term(HardState.Term.Value + (random.Next(4) == 0 ? 1UL : 0));
        var entries = new List<LogEntry>();
        EntryId? snapshot = null;
        var last = Last;
        if (random.Next(30) == 0)
        {
            last = new(Last.Value + (ulong)random.Next(1, 20));
            snapshot = new(term, last);
        }
        else if (random.Next(5) == 0 && Last > Committed)
        {
            last = new(Committed.Value + (ulong)random.Next((int)(Last.Value - Committed.Value) + 1)); // a new leader's log differs
        }

        for (var count = random.Next(5); count > 0; count--)
        {
            last = last.Next;
            var data = new byte[random.Next(10) == 0 ? random.Next(3000) : random.Next(60)];
            if (random.Next(3) != 0)
            {
                random.NextBytes(data); // else zeros, which look like space never written
            }

            entries.Add(new(new(term, last), (EntryKind)random.Next(2), data));
        }

        var known = entries.Count > 0 ? last.Value : snapshot?.Index.Value ?? Last.Value;
        var floor = Math.Max(Committed.Value, snapshot?.Index.Value ?? 0);
        var commit = new LogIndex(floor + (ulong)random.Next((int)(Math.Max(known, floor) - floor) + 1));
        HardState? state = term != HardState.Term || snapshot is not null || random.Next(2) == 0
            ? new HardState(term, new MemberId((ulong)random.Next(4)), commit)
            : null;
        return new(sequence, state, entries, snapshot);
    }

    public EntryId IdAt(LogIndex index) =>
        Entries.FirstOrDefault(entry => entry.Id.Index == index)?.Id ?? Snapshot;

    private sealed class SameEntry : IEqualityComparer<LogEntry>
    {
        public static SameEntry Instance { get; } = new();

        public bool Equals(LogEntry? left, LogEntry? right) =>
            left!.Id == right!.Id && left.Kind == right.Kind && left.Data.Span.SequenceEqual(right.Data.Span);

        public int GetHashCode(LogEntry entry) => entry.Id.GetHashCode();
    }
}
