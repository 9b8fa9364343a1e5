namespace Raft.Consensus;

/// <summary>How what the core wants done is gathered: see <see cref="Output"/>.</summary>
public sealed partial class ConsensusModule
{
    private readonly List<Message> _messages = [];
    private readonly List<Message> _promises = [];
    private HardState _written;

    /// <summary>Whether <see cref="TakeOutput"/> would give anything to do.</summary>
    public bool HasOutput =>
        _messages.Count > 0
        || _promises.Count > 0
        || HasSomethingToPersist
        || MayHandOutMore()
        || _releasedReads.Count > 0
        || _droppedReads.Count > 0
        || MayStartReadRound()
        || HasAppendsDue();

    // The commit index alone is worth a write only if a change of members waits for it (see MembershipChange.cs); otherwise
    // it goes with the next one.
    private bool HasSomethingToPersist =>
        _snapshotToInstall is not null
        || _durability.HandedToDisk < _log.Last.Index
        || _term != _written.Term
        || _vote != _written.Vote
        || (IsChangeNext() && _written.Commit <= _handedOut);

    /// <summary>Gives what there is to do and forgets it.</summary>
    public Output TakeOutput()
    {
        var committed = HandOutCommitted();
        StartReadRound();
        SendAppends();
        var (sequence, snapshot, hardState, entries) = BeginWrite();
        HoldPromises();
        return new Output
        {
            PersistSequence = sequence,
            InstallSnapshot = snapshot,
            HardState = hardState,
            Entries = entries,
            Committed = committed,
            ReleasedReads = TakeAll(_releasedReads),
            DroppedReads = TakeAll(_droppedReads),
            Messages = TakeAll(_messages),
        };
    }

    private (ulong Sequence, SnapshotMetadata? Snapshot, HardState? HardState, LogEntry[] Entries) BeginWrite()
    {
        if (!HasSomethingToPersist)
            return (0, null, null, []);
        var snapshot = _snapshotToInstall;
        _snapshotToInstall = null;
        var entries = _log.Slice(_durability.HandedToDisk.Next, _log.Last.Index);
        return (_durability.BeginWrite(_log.Last.Index, _commit), snapshot, HardStateToWrite(), entries);
    }

    private static T[] TakeAll<T>(List<T> items)
    {
        if (items.Count == 0)
            return [];
        var taken = items.ToArray();
        items.Clear();
        return taken;
    }

    /// <summary>Committed and locally durable entries in order, of bounded size; changes of members take effect here.</summary>
    private LogEntry[] HandOutCommitted()
    {
        if (!MayHandOutMore())
            return [];
        var limit = Min(_rules.MayHandOut(_commit, _durability.Durable), new(_handedOut.Value + (ulong)_options.CommittedEntriesMax));
        var entries = _log.Slice(_handedOut.Next, _log.Fit(_handedOut.Next, limit, _options.CommittedBytesMax));
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Kind == EntryKind.ConfigurationChange)
            {
                if (!MayTakeEffect(entries[i]))
                {
                    entries = entries[..i];
                    break;
                }

                ApplyChange(entries[i]);
            }

            _handedOut = entries[i].Id.Index;
        }

        CampaignIfAskedTo();
        return entries;
    }

    private bool MayHandOutMore() =>
        _handedOut < _rules.MayHandOut(_commit, _durability.Durable) && (!IsChangeNext() || MayTakeEffect(_log[_handedOut.Next]));

    private HardState? HardStateToWrite()
    {
        var state = new HardState(_term, _vote, _commit);
        if (state == _written)
            return null;
        _written = state;
        return _rules.ToPersist(state);
    }

    private void Send(Message message)
    {
        if (_rules.WaitsForDisk(message))
            _promises.Add(message);
        else
            Release(message);
    }

    /// <summary>Promises wait for every write that was begun before or with this output.</summary>
    private void HoldPromises()
    {
        foreach (var promise in _promises)
            _durability.Hold(promise);
        _promises.Clear();
        ReleasePromises();
    }

    private void ReleasePromises()
    {
        while (_durability.TryRelease(out var promise))
            Release(promise);
    }

    /// <summary>What may be known to others leaves; a vote for oneself counts from here on.</summary>
    private void Release(Message message)
    {
        if (message.To != Id)
            _messages.Add(message);
        else if (message.Term == _term)
            CountVote(message);
    }
}
