namespace Raft.Consensus;

/// <summary>How a leader sends to one member.</summary>
internal enum ProgressState
{
    /// <summary>The match point is unknown: one append at a time, until one is accepted.</summary>
    Probe,

    /// <summary>The match point is known: appends follow one another without waiting (pipelining, thesis, section 10.2.1).</summary>
    Replicate,

    /// <summary>A snapshot is on its way: no appends until it has arrived.</summary>
    Snapshot,
}

/// <summary>
/// What a leader knows of one member's log (nextIndex and matchIndex, Raft paper, figure 2), and how fast it may send there.
/// </summary>
internal sealed class Progress(LogIndex next, int appendsInFlightMax)
{
    // Last index of each append that was sent and not answered.
    private readonly Queue<LogIndex> _inFlight = new();
    private int _ticksInSnapshot;
    private bool _wasActive;

    internal ProgressState State { get; private set; } = ProgressState.Probe;

    /// <summary>Known to be durable there. Only grows while this leader leads.</summary>
    internal LogIndex Match { get; private set; }

    /// <summary>Next to send. Always above <see cref="Match"/>.</summary>
    internal LogIndex Next { get; private set; } = next;

    /// <summary>Commit index that the member was last told.</summary>
    internal LogIndex CommitSent { get; set; }

    /// <summary>Heard from since the last quorum check.</summary>
    internal bool RecentlyActive { get; set; }

    /// <summary>Heard from in this or the last period between quorum checks: right after one, nobody has been heard from yet.</summary>
    internal bool IsActive => RecentlyActive || _wasActive;

    /// <summary>Newest read round that the member has confirmed.</summary>
    internal ulong ConfirmedRound { get; set; }

    /// <summary>A heartbeat showed the member behind: send an append even with nothing new, to learn whether one was lost.</summary>
    internal bool MustProbe { get; set; }

    /// <summary>The one append of a probe is out.</summary>
    internal bool ProbeSent { get; private set; }

    internal bool MaySend => State switch
    {
        ProgressState.Probe => !ProbeSent,
        ProgressState.Replicate => _inFlight.Count < appendsInFlightMax,
        _ => false,
    };

    internal void AppendSent(LogIndex last, bool hadEntries)
    {
        MustProbe = false;
        if (State == ProgressState.Probe)
        {
            ProbeSent = true;
        }
        else if (hadEntries)
        {
            Next = last.Next;
            _inFlight.Enqueue(last);
        }
    }

    /// <summary>The logs agree up to this index. Returns whether that was news.</summary>
    internal bool Accepted(LogIndex index)
    {
        while (_inFlight.TryPeek(out var sent) && sent <= index)
        {
            _inFlight.Dequeue();
        }

        ProbeSent = false;
        var isNews = index > Match;
        Match = isNews ? index : Match;
        Next = Next > Match ? Next : Match.Next;
        return isNews;
    }

    /// <summary>The append after <paramref name="previous"/> did not fit; the logs may agree at <paramref name="hint"/>.</summary>
    /// <returns>Whether the answer was to something that still matters.</returns>
    internal bool Rejected(LogIndex previous, LogIndex hint)
    {
        if (State == ProgressState.Replicate)
        {
            if (previous <= Match)
            {
                return false;
            }

            Probe();
            return true;
        }

        if (State != ProgressState.Probe || Next.Previous != previous)
        {
            return false;
        }

        var candidate = previous < hint.Next ? previous : hint.Next;
        Next = candidate > Match ? candidate : Match.Next;
        ProbeSent = false;
        return true;
    }

    /// <summary>A new period between quorum checks begins.</summary>
    internal void BeginPeriod()
    {
        _wasActive = RecentlyActive;
        RecentlyActive = false;
    }

    internal void Probe()
    {
        State = ProgressState.Probe;
        Next = Match.Next;
        ProbeSent = false;
        _inFlight.Clear();
    }

    /// <summary>Sends nothing more until a heartbeat is answered: no busy loop against a member that is away.</summary>
    internal void Pause()
    {
        Probe();
        ProbeSent = true;
    }

    internal void Replicate()
    {
        State = ProgressState.Replicate;
        Next = Match.Next;
        ProbeSent = false;
        _inFlight.Clear();
    }

    internal void AwaitSnapshot()
    {
        State = ProgressState.Snapshot;
        _ticksInSnapshot = 0;
        MustProbe = false;
        _inFlight.Clear();
    }

    /// <summary>The snapshot's data is there; the member's answer should follow soon.</summary>
    internal void SnapshotDelivered() => _ticksInSnapshot = 1;

    /// <summary>Counts the wait for the answer to a delivered snapshot; a lost answer must not stop the member for good.</summary>
    internal void TickSnapshot(int ticksMax)
    {
        if (State == ProgressState.Snapshot && _ticksInSnapshot > 0 && ++_ticksInSnapshot > ticksMax)
        {
            Probe();
        }
    }

    /// <summary>Lets a full window move by one, so that a lost answer cannot close it for good.</summary>
    internal void HeartbeatAnswered(bool isBehind)
    {
        RecentlyActive = true;
        ProbeSent = false;
        MustProbe = isBehind;
        if (State == ProgressState.Replicate && _inFlight.Count >= appendsInFlightMax)
        {
            _inFlight.Dequeue();
        }
    }
}
