using System.Diagnostics.CodeAnalysis;

namespace Raft.Consensus;

/// <summary>
/// The log from the compacted base on, in memory. Terms never fall along it and indexes have no gap; every change is checked
/// for that. What is on disk is not its business: see <see cref="Durability"/>.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "The log is what the paper calls it.")]
internal sealed class RaftLog
{
    /// <summary>What an entry costs in a message besides its data, so that a great many empty ones are bounded too.</summary>
    private const int EntryOverheadBytes = 24;

    // Live entries are _slots[_first .. _first + _count - 1]. Compaction moves _first; the array is shifted only when more
    // than half of it is dead, so that appending and compacting cost O(1) an entry.
    private LogEntry[] _slots;
    private int _first;
    private int _count;

    public RaftLog(EntryId @base, IReadOnlyList<LogEntry> entries)
    {
        Base = @base;
        _slots = new LogEntry[Math.Max(64, entries.Count)];
        foreach (var entry in entries)
            Append(entry);
    }

    /// <summary>The entry before the first kept; zero if nothing was ever compacted.</summary>
    public EntryId Base { get; private set; }

    /// <summary>The last entry; the base if none is kept.</summary>
    public EntryId Last => _count == 0 ? Base : _slots[_first + _count - 1].Id;

    /// <summary>The entry at an index that is kept.</summary>
    public LogEntry this[LogIndex index]
    {
        get
        {
            Invariant.Holds(index > Base.Index && index <= Last.Index, $"entry {index} is not in the log {Base}..{Last}");
            return _slots[SlotOf(index)];
        }
    }

    /// <summary>Whether the entry of this index and term is in the log, or is its base (Log Matching, paper, section 5.3).</summary>
    public bool Holds(EntryId id) =>
        id.Index >= Base.Index && id.Index <= Last.Index && TermAt(id.Index) == id.Term;

    /// <summary>The term of an entry that is kept, or of the base.</summary>
    public Term TermAt(LogIndex index) => index == Base.Index ? Base.Term : this[index].Id.Term;

    public void Append(LogEntry entry)
    {
        Invariant.Holds(entry.Id.Index == Last.Index.Next, $"entry {entry.Id} does not follow {Last}");
        Invariant.Holds(entry.Id.Term >= Last.Term, $"entry {entry.Id} is of an older term than {Last} before it");
        if (_first + _count == _slots.Length)
            MakeRoom();
        _slots[_first + _count++] = entry;
    }

    /// <summary>Removes the entry at the index and all after it.</summary>
    public void TruncateFrom(LogIndex index)
    {
        Invariant.Holds(index > Base.Index, $"cannot truncate from {index}, the log is compacted up to {Base}");
        if (index > Last.Index)
            return;
        var kept = (int)(index.Value - Base.Index.Value - 1);
        Array.Clear(_slots, _first + kept, _count - kept);
        _count = kept;
    }

    /// <summary>Forgets entries up to and including the index.</summary>
    public void CompactTo(LogIndex index)
    {
        if (index <= Base.Index)
            return;
        var id = this[index].Id;
        var gone = (int)(index.Value - Base.Index.Value);
        Array.Clear(_slots, _first, gone);
        _first += gone;
        _count -= gone;
        Base = id;
    }

    /// <summary>Starts anew after an entry whose effect came with a snapshot.</summary>
    public void ResetTo(EntryId @base)
    {
        Array.Clear(_slots);
        _first = 0;
        _count = 0;
        Base = @base;
    }

    /// <summary>A copy of the entries from..to, both inclusive: later changes of the log do not touch it.</summary>
    public LogEntry[] Slice(LogIndex from, LogIndex to)
    {
        if (to < from)
            return [];
        Invariant.Holds(from > Base.Index && to <= Last.Index, $"entries {from}..{to} are not in the log {Base}..{Last}");
        return _slots.AsSpan(SlotOf(from), (int)(to.Value - from.Value) + 1).ToArray();
    }

    /// <summary>The last index up to <paramref name="to"/> so that the entries fit the bytes; at least <paramref name="from"/>.</summary>
    public LogIndex Fit(LogIndex from, LogIndex to, long bytesMax)
    {
        var bytes = 0L;
        for (var index = from; index <= to; index = index.Next)
        {
            bytes += this[index].Data.Length + EntryOverheadBytes;
            if (bytes > bytesMax && index > from)
                return index.Previous;
        }

        return to;
    }

    /// <summary>
    /// The last entry, not after <paramref name="index"/>, whose term is not above <paramref name="term"/>: the latest place
    /// where this log may still agree with one that has <paramref name="term"/> at <paramref name="index"/>. Terms never fall
    /// along a log, so that a binary search finds it.
    /// </summary>
    public EntryId LastWithTermAtMost(Term term, LogIndex index)
    {
        if (index < Base.Index)
            return new EntryId(Term.Zero, index);
        var low = Base.Index.Value;
        var high = Math.Min(index.Value, Last.Index.Value);
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (TermAt(new LogIndex(middle)) <= term)
                low = middle;
            else
                high = middle - 1;
        }

        return new EntryId(TermAt(new LogIndex(low)), new LogIndex(low));
    }

    private int SlotOf(LogIndex index) => _first + (int)(index.Value - Base.Index.Value - 1);

    private void MakeRoom()
    {
        var target = _first > _slots.Length / 2 ? _slots : new LogEntry[_slots.Length * 2];
        Array.Copy(_slots, _first, target, 0, _count);
        if (ReferenceEquals(target, _slots))
            Array.Clear(_slots, _count, _first);
        _slots = target;
        _first = 0;
    }
}
