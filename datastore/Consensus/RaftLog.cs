namespace Raft.Consensus;

/// <summary>
/// The part of the log that is not compacted, in memory. Three positions move through it: what was handed out to be
/// persisted, what is durable, and (kept by the module) what is committed.
/// </summary>
internal sealed class RaftLog
{
    // _entries[i] has index Base.Index + 1 + i.
    private readonly List<LogEntry> _entries;

    internal RaftLog(EntryId @base, IReadOnlyList<LogEntry> recovered)
    {
        Base = @base;
        _entries = [.. recovered];
        var previous = @base;
        foreach (var entry in recovered)
        {
            Invariant.Holds(
                entry.Id.Index == previous.Index.Next && entry.Id.Term >= previous.Term,
                $"the recovered log has no gap and terms that never fall, but {entry.Id} follows {previous}");
            previous = entry.Id;
        }

        Durable = Last.Index;
        NextToPersist = Last.Index.Next;
    }

    /// <summary>The entry before the first that is kept; its effect is in the state.</summary>
    internal EntryId Base { get; private set; }

    /// <summary>The newest entry, or the base if none is kept.</summary>
    internal EntryId Last => _entries.Count == 0 ? Base : _entries[^1].Id;

    /// <summary>Every entry up to here is on this member's disk.</summary>
    internal LogIndex Durable { get; private set; }

    /// <summary>First entry that was not yet handed out to be persisted.</summary>
    internal LogIndex NextToPersist { get; private set; }

    /// <summary>The entry at an index that is kept.</summary>
    internal LogEntry this[LogIndex index] => _entries[Offset(index)];

    /// <summary>The term at an index; null if it is compacted or not there yet.</summary>
    internal Term? TermAt(LogIndex index)
    {
        if (index == Base.Index)
        {
            return Base.Term;
        }

        return index < Base.Index || index > Last.Index ? null : _entries[Offset(index)].Id.Term;
    }

    /// <summary>Whether this very entry is in the log: then all before it are the same too (Log Matching, section 5.3).</summary>
    internal bool Contains(EntryId id) => TermAt(id.Index) == id.Term;

    internal void Append(LogEntry entry)
    {
        Invariant.Holds(entry.Id.Index == Last.Index.Next, $"entries are appended in order, but {entry.Id} follows {Last}");
        Invariant.Holds(entry.Id.Term >= Last.Term, $"terms never fall along the log, but {entry.Id} follows {Last}");
        _entries.Add(entry);
    }

    /// <summary>Drops the entries from this index on, because a leader has others there (section 5.3).</summary>
    internal void TruncateFrom(LogIndex index)
    {
        var keep = Offset(index);
        _entries.RemoveRange(keep, _entries.Count - keep);
        Durable = Min(Durable, index.Previous);
        NextToPersist = Min(NextToPersist, index);
    }

    /// <summary>Everything up to this entry is durable, if it is still the entry that stands there.</summary>
    internal void MarkDurable(EntryId id)
    {
        if (id.Index > Durable && Contains(id))
        {
            Durable = id.Index;
        }
    }

    /// <summary>Gives what was not handed out yet, once.</summary>
    internal IReadOnlyList<LogEntry> TakeUnpersisted()
    {
        var entries = From(NextToPersist, long.MaxValue);
        NextToPersist = Last.Index.Next;
        return entries;
    }

    /// <summary>Entries from an index on, at most this many bytes of data but at least one.</summary>
    internal IReadOnlyList<LogEntry> From(LogIndex first, long bytesMax) => Slice(first, Last.Index, bytesMax);

    /// <summary>Entries from first to last (inclusive), at most this many bytes of data but at least one.</summary>
    internal IReadOnlyList<LogEntry> Slice(LogIndex first, LogIndex last, long bytesMax)
    {
        if (first > last)
        {
            return [];
        }

        var from = Offset(first);
        var until = Offset(last) + 1;
        var bytes = 0L;
        for (var i = from; i < until; i++)
        {
            bytes += _entries[i].Data.Length;
            if (bytes > bytesMax && i > from)
            {
                until = i;
            }
        }

        return _entries.GetRange(from, until - from);
    }

    /// <summary>
    /// The last entry at or before <paramref name="index"/> whose term is not above <paramref name="term"/>: both logs can
    /// agree there at best. Skips a whole term a round (section 5.3, the optimisation at its end).
    /// </summary>
    internal EntryId LastPossibleMatch(LogIndex index, Term term)
    {
        var at = Min(index, Last.Index);
        while (at > Base.Index && _entries[Offset(at)].Id.Term > term)
        {
            at = at.Previous;
        }

        return at <= Base.Index ? Base : _entries[Offset(at)].Id;
    }

    /// <summary>Forgets entries up to this index (section 7).</summary>
    internal void Compact(LogIndex upTo)
    {
        if (upTo <= Base.Index)
        {
            return;
        }

        var last = this[upTo].Id;
        _entries.RemoveRange(0, Offset(upTo) + 1);
        Base = last;
    }

    /// <summary>Starts anew after a snapshot.</summary>
    internal void Reset(EntryId @base)
    {
        _entries.Clear();
        Base = @base;
        Durable = @base.Index;
        NextToPersist = @base.Index.Next;
    }

    private int Offset(LogIndex index) => checked((int)(index.Value - Base.Index.Value - 1));

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;
}
