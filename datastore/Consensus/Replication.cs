namespace Raft.Consensus;

/// <summary>
/// How the leader brings its log to the others. Append requests are made when the output is taken, not when a command is
/// proposed: all that was proposed in between travels together.
/// </summary>
public sealed partial class ConsensusModule
{
    // On a leader every member, itself included, by id; elsewhere empty. A handful: a scan beats a map.
    private Progress[] _progress = [];

    // The last slice of the log that was sent: followers that are equally far share one copy.
    private LogEntry[] _sharedEntries = [];

    /// <summary>
    /// While true, a new commit index alone is no reason for a message: it travels with the next append, or with a heartbeat.
    /// </summary>
    public bool DefersCommit { get; set; }

    /// <summary>The last messages to this member were probably lost.</summary>
    public void Unreachable(MemberId member)
    {
        if (_role == Role.Leader && ProgressOf(member) is { State: ReplicationState.Replicate } progress)
            progress.BecomeProbing(progress.Match.Next);
    }

    private Progress? ProgressOf(MemberId id)
    {
        foreach (var member in _progress)
        {
            if (member.Id == id)
                return member;
        }

        return null;
    }

    /// <summary>A new leader knows nothing of the others' logs but treats them as alive (paper, section 5.3).</summary>
    private void StartProgress()
    {
        _progress = [];
        ConfigureProgress();
        foreach (var member in _progress)
            member.RecentlyActive = true;
    }

    /// <summary>Follows the configuration: keeps what is known of members that stay.</summary>
    private void ConfigureProgress()
    {
        var members = _configuration.Members.Order().ToArray();
        var progress = new Progress[members.Length];
        for (var i = 0; i < members.Length; i++)
        {
            progress[i] = ProgressOf(members[i]) ?? new Progress(members[i], _log.Last.Index.Next);
            progress[i].IsVoter = _rules.CountsInQuorum(_configuration, members[i]);
        }

        _progress = progress;
    }

    private bool HasAppendsDue()
    {
        foreach (var member in _progress)
        {
            if (member.Id != Id && IsAppendDue(member))
                return true;
        }

        return false;
    }

    private bool IsAppendDue(Progress member)
    {
        if (member.NudgeDue)
            return true;
        if (!member.MaySend(_options.AppendsInFlightMax))
            return false;
        return member.Next <= _log.Base.Index
            ? member.RecentlyActive
            : member.State == ReplicationState.Probe || member.Next <= _log.Last.Index || (!DefersCommit && member.CommitTold < CommitFor(member));
    }

    private void SendAppends()
    {
        foreach (var member in _progress)
        {
            while (member.Id != Id && IsAppendDue(member))
            {
                if (member.Next <= _log.Base.Index)
                    SendSnapshot(member);
                else
                    SendAppend(member);
            }
        }

        _sharedEntries = [];
    }

    private void SendAppend(Progress member)
    {
        var entries = member.MaySend(_options.AppendsInFlightMax) ? EntriesFrom(member.Next) : [];
        var previous = member.Next.Previous;
        var commit = CommitFor(member);
        Send(new Message
        {
            Kind = MessageKind.AppendRequest,
            From = Id,
            To = member.Id,
            Term = _term,
            Log = new EntryId(_log.TermAt(previous), previous),
            Commit = commit,
            Entries = entries,
        });
        member.Sent(new LogIndex(previous.Value + (ulong)entries.Length), commit);
    }

    private LogEntry[] EntriesFrom(LogIndex from)
    {
        if (from > _log.Last.Index)
            return [];
        if (_sharedEntries.Length == 0 || _sharedEntries[0].Id.Index != from)
            _sharedEntries = _log.Slice(from, _log.Fit(from, _log.Last.Index, _options.AppendBytesMax));
        return _sharedEntries;
    }

    private void HandleAppendResponse(Message response)
    {
        if (_role != Role.Leader || ProgressOf(response.From) is not { } member)
            return;
        member.RecentlyActive = true;
        member.HasDurableCommit(response.Commit);
        if (response.Reject)
            BackTrack(member, response);
        else
            Acknowledge(member, response.Log.Index);
    }

    private void Acknowledge(Progress member, LogIndex index)
    {
        Invariant.Holds(index <= _log.Last.Index, $"{member.Id} acknowledged {index}, but the leader's log ends at {_log.Last}");
        var news = member.Acknowledged(index);
        var probed = member.State == ReplicationState.Probe && index >= member.Match;
        var caughtUpBySnapshot = member.State == ReplicationState.Snapshot && member.Match >= _log.Base.Index;
        if (probed || caughtUpBySnapshot)
            member.BecomeReplicating();
        if (!news)
            return;
        if (member.IsVoter)
            CommitByCounting();
        FinishTransfer(member);
    }

    /// <summary>
    /// The logs differ before what was sent. The follower hints at the last place where they may agree, by term, so that
    /// each differing term costs one round rather than each entry (paper, section 5.3, last paragraph on conflicts).
    /// </summary>
    private void BackTrack(Progress member, Message response)
    {
        if (!member.IsVoter && member.State != ReplicationState.Snapshot && response.Hint.Index < member.Match)
        {
            // A learner whose disk was replaced. Its acknowledgements decided nothing.
            member.Forget(response.Hint.Index.Next);
            return;
        }

        switch (member.State)
        {
            case ReplicationState.Replicate when response.Log.Index > member.Match:
                member.BecomeProbing(member.Match.Next);
                break;
            case ReplicationState.Probe when response.Log.Index == member.Next.Previous:
                var agreed = _log.LastWithTermAtMost(response.Hint.Term, response.Hint.Index);
                member.BecomeProbing(Min(agreed.Index, response.Log.Index.Previous).Next);

                // A voter that denies what it acknowledged has lost it, and stops when a heartbeat tells it so: no use asking faster.
                if (response.Log.Index <= member.Match)
                    member.PauseProbing();
                break;
            default:
                // An answer to a request that was overtaken.
                break;
        }
    }
}
