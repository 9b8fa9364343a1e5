namespace Raft.Consensus;

/// <summary>How the leader sends the log to a member.</summary>
internal enum ReplicationState
{
    /// <summary>It is unknown where the logs agree: one request at a time until an answer tells.</summary>
    Probe,

    /// <summary>The logs agree: requests follow each other without waiting (pipelining, thesis, section 10.2.1).</summary>
    Replicate,

    /// <summary>A snapshot is on its way, and nothing is sent besides heartbeats.</summary>
    Snapshot,
}

/// <summary>What the leader knows of one member (paper, figure 2: nextIndex, matchIndex), and how it may send to it.</summary>
internal sealed class Progress(MemberId id, LogIndex next)
{
    // Last index of each append under way, oldest first, as a ring.
    private LogIndex[] _inFlight = new LogIndex[8];
    private int _oldest;
    private int _inFlightCount;

    // What happened since the last heartbeat interval began.
    private bool _answered;
    private LogIndex _matchBefore;

    private bool _wasActive;

    public MemberId Id { get; } = id;

    /// <summary>Whether it counts in quorums.</summary>
    public bool IsVoter { get; set; }

    /// <summary>Highest index known to be durable there and equal to the leader's. Never falls while a voter.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>Next index to send; above <see cref="Match"/>.</summary>
    public LogIndex Next { get; private set; } = next;

    public ReplicationState State { get; private set; }

    /// <summary>Heard from since the leader last looked (CheckQuorum).</summary>
    public bool RecentlyActive { get; set; }

    /// <summary>Heard from in this or the last period between quorum checks: right after one, nobody has been heard from yet.</summary>
    public bool IsActive => RecentlyActive || _wasActive;

    /// <summary>Newest read round that it confirmed.</summary>
    public ulong ReadRound { get; set; }

    /// <summary>Highest commit index that it was told with entries to back it.</summary>
    public LogIndex CommitTold { get; private set; }

    /// <summary>Highest commit index known to be on its disk.</summary>
    public LogIndex DurableCommit { get; private set; }

    /// <summary>Probing: the one request is under way.</summary>
    public bool ProbeUnderWay { get; private set; }

    /// <summary>Something may have been lost: an empty append at the end will tell.</summary>
    public bool NudgeDue { get; private set; }

    /// <summary>In <see cref="ReplicationState.Snapshot"/>: ticks since it was delivered; negative while it is on its way.</summary>
    public int TicksSinceSnapshot { get; set; }

    public bool MaySend(int inFlightMax) => State switch
    {
        ReplicationState.Probe => !ProbeUnderWay,
        ReplicationState.Replicate => _inFlightCount < inFlightMax,
        _ => false,
    };

    /// <summary>Entries up to the index leave now, with the commit index.</summary>
    public void Sent(LogIndex last, LogIndex commit)
    {
        var backed = commit < last ? commit : last;
        if (backed > CommitTold)
            CommitTold = backed;
        NudgeDue = false;
        if (State == ReplicationState.Probe)
        {
            ProbeUnderWay = true;
        }
        else if (last >= Next)
        {
            Next = last.Next;
            Push(last);
        }
    }

    /// <summary>The member's log agrees with ours up to the index, durably.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Acknowledged(LogIndex index)
    {
        while (_inFlightCount > 0 && _inFlight[_oldest] <= index)
            Pop();
        var news = index > Match;
        if (news)
            Match = index;
        if (Next <= Match)
            Next = Match.Next;
        return news;
    }

    /// <summary>The logs are known to agree at <see cref="Match"/>: send without waiting.</summary>
    public void BecomeReplicating()
    {
        Enter(ReplicationState.Replicate);
        Next = Match.Next;
    }

    /// <summary>Look for the place where the logs agree, from the index on downwards.</summary>
    public void BecomeProbing(LogIndex next)
    {
        Enter(ReplicationState.Probe);
        Next = next > Match ? next : Match.Next;
        CommitTold = Match < CommitTold ? Match : CommitTold;
    }

    /// <summary>A snapshot leaves now.</summary>
    public void BecomeReceivingSnapshot()
    {
        Enter(ReplicationState.Snapshot);
        TicksSinceSnapshot = -1;
    }

    /// <summary>Not before it is heard from again (a heartbeat's answer) is another probe sent.</summary>
    public void PauseProbing() => ProbeUnderWay = true;

    public void HasDurableCommit(LogIndex index)
    {
        if (index > DurableCommit)
            DurableCommit = index;
    }

    /// <summary>A new period between quorum checks begins.</summary>
    public void BeginPeriod()
    {
        _wasActive = RecentlyActive;
        RecentlyActive = false;
    }

    /// <summary>It answered a heartbeat.</summary>
    public void Answered()
    {
        RecentlyActive = true;
        _answered = true;
    }

    /// <summary>
    /// Once a heartbeat interval: a probe whose member lives but did not answer it may have been lost, and so may appends
    /// that did not move <see cref="Match"/> for a whole interval.
    /// </summary>
    public void NoticeLosses(LogIndex last)
    {
        if (_answered)
            ProbeUnderWay = false;
        NudgeDue = State == ReplicationState.Replicate && Match < last && Match == _matchBefore;
        _answered = false;
        _matchBefore = Match;
    }

    /// <summary>A learner that began anew with an empty disk: nothing it acknowledged before holds any more.</summary>
    public void Forget(LogIndex next)
    {
        Match = LogIndex.Zero;
        CommitTold = LogIndex.Zero;
        BecomeProbing(next);
    }

    private void Enter(ReplicationState state)
    {
        State = state;
        ProbeUnderWay = false;
        NudgeDue = false;
        _oldest = 0;
        _inFlightCount = 0;
    }

    private void Push(LogIndex last)
    {
        if (_inFlightCount == _inFlight.Length)
        {
            var larger = new LogIndex[_inFlight.Length * 2];
            for (var i = 0; i < _inFlightCount; i++)
                larger[i] = _inFlight[(_oldest + i) % _inFlight.Length];
            _inFlight = larger;
            _oldest = 0;
        }

        _inFlight[(_oldest + _inFlightCount++) % _inFlight.Length] = last;
    }

    private void Pop()
    {
        _oldest = (_oldest + 1) % _inFlight.Length;
        _inFlightCount--;
    }
}
