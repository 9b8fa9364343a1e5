namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// Whether a message promises something that a crash must not take back, and so has to wait for the disk. A granted vote
    /// and an accepted append do (paper, figure 2: "updated on stable storage before responding"). So does asking for votes:
    /// a candidate that forgot its own term could ask again in it with a shorter log, and count the old answers.
    /// A leader's requests promise nothing: its own copy counts only once it is durable (thesis, section 10.2.1).
    /// </summary>
    public virtual bool WaitsForDisk(Message message) => message.Kind switch
    {
        MessageKind.VoteRequest => true,
        MessageKind.VoteResponse or MessageKind.AppendResponse => !message.Reject,
        _ => false,
    };

    /// <summary>What of the hard state goes to disk: all of it.</summary>
    public virtual HardState ToPersist(HardState state) => state;
}

/// <summary>
/// What of the log and the hard state is durable, with any number of writes under way, and the promises that wait for them.
/// Writes become durable in the order in which they were handed out.
/// </summary>
internal sealed class Durability(LogIndex last, LogIndex commit)
{
    private readonly Queue<Write> _underWay = new();
    private readonly Queue<(ulong Sequence, Message Message)> _promises = new();
    private ulong _issued;
    private ulong _completed;

    /// <summary>Every entry of the present log up to here is durable.</summary>
    public LogIndex Durable { get; private set; } = last;

    /// <summary>The last entry of the present log that was handed out to be written.</summary>
    public LogIndex HandedToDisk { get; private set; } = last;

    /// <summary>The commit index that a restart will find at least.</summary>
    public LogIndex DurableCommit { get; private set; } = commit;

    /// <summary>Notes a write of the log up to an index, and of the commit index, and gives its sequence number.</summary>
    public ulong BeginWrite(LogIndex upTo, LogIndex commit)
    {
        HandedToDisk = upTo;
        _underWay.Enqueue(new Write { Sequence = ++_issued, UpTo = upTo, Commit = commit });
        return _issued;
    }

    /// <summary>Holds a message back until all writes so far are durable.</summary>
    public void Hold(Message promise) => _promises.Enqueue((_issued, promise));

    /// <summary>Takes note that writes up to the sequence are durable.</summary>
    public void Complete(ulong sequence)
    {
        Invariant.Holds(sequence <= _issued, $"write {sequence} is said to be durable, but only {_issued} were handed out");
        while (_underWay.TryPeek(out var write) && write.Sequence <= sequence)
        {
            Durable = Max(Durable, write.UpTo);
            DurableCommit = write.Commit;
            _completed = write.Sequence;
            _underWay.Dequeue();
        }
    }

    /// <summary>The next promise that may be sent now, if there is one.</summary>
    public bool TryRelease(out Message promise)
    {
        if (_promises.TryPeek(out var held) && held.Sequence <= _completed)
        {
            promise = _promises.Dequeue().Message;
            return true;
        }

        promise = null!;
        return false;
    }

    /// <summary>
    /// The log lost its entries from the index on. Writes that hold them say nothing any more about the entries that will
    /// take their place.
    /// </summary>
    public void Truncated(LogIndex from)
    {
        var kept = from.Previous;
        foreach (var write in _underWay)
            write.UpTo = Min(write.UpTo, kept);
        Durable = Min(Durable, kept);
        HandedToDisk = Min(HandedToDisk, kept);
    }

    /// <summary>
    /// The log starts anew after an index. That place itself becomes durable with the next write, before which nothing that
    /// rests on it is promised.
    /// </summary>
    public void Reset(LogIndex @base)
    {
        foreach (var write in _underWay)
            write.UpTo = Min(write.UpTo, @base);
        Durable = @base;
        HandedToDisk = @base;
    }

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    private static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;

    private sealed class Write
    {
        public required ulong Sequence { get; init; }

        public required LogIndex Commit { get; init; }

        /// <summary>Last entry of the present log that this write makes durable.</summary>
        public required LogIndex UpTo { get; set; }
    }
}
