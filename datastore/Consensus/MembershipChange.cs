namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// One change at a time, so that the majorities before and after always share a voter (thesis, section 4.1); and none
    /// before the leader has committed an entry of its own term, since an older leader's change may still be about.
    /// </summary>
    public virtual bool MayChangeMembers(LogIndex lastChange, LogIndex applied, Term committed, Term leader) =>
        lastChange <= applied && committed == leader;

    /// <summary>A leader that is no longer a voter lays its leadership down (thesis, section 4.2.2).</summary>
    public virtual bool MayLead(Configuration configuration, MemberId member) => configuration.Voters.Contains(member);
}

/// <summary>
/// Members are added and removed one at a time through the log. A change takes effect on each member when it is handed out to
/// be applied. That is later than in the thesis (on appending) and as safe: a change enters a log only after the one before
/// it is committed and applied by the leader, so that a candidate with an outdated configuration either misses at most the
/// last change, whose majorities overlap, or lacks an entry that some voter of every majority has.
/// </summary>
public sealed partial class ConsensusModule
{
    // No further change before this index is applied: the last change proposed, or, for a new leader, whatever its log held.
    private LogIndex _changeBarrier;

    // A leader's removal of a member that has not taken effect yet; None where there is none.
    private (MemberId Member, LogIndex Index) _pendingRemoval;

    // The highest commit index that a leader told this member since it started. What its own disk knows does not count.
    private LogIndex _commitTold;

    /// <summary>Appends a change of members. Refused while another is not yet applied, or when it makes no sense.</summary>
    public ProposalResult ProposeChange(ConfigurationChange change)
    {
        var data = change.Encode();
        var outcome = MayPropose(data.Length);
        if (outcome == ProposalOutcome.Accepted)
            outcome = MayChange(change);
        if (outcome != ProposalOutcome.Accepted)
            return new(outcome, EntryId.Zero);
        var entry = AppendToOwnLog(EntryKind.ConfigurationChange, data);
        _changeBarrier = entry.Index;
        if (change.Kind == ConfigurationChangeKind.RemoveMember)
            _pendingRemoval = (change.Member, entry.Index);
        return new(outcome, entry);
    }

    private ProposalOutcome MayChange(ConfigurationChange change)
    {
        if (!_rules.MayChangeMembers(_changeBarrier, _applied, _log.TermAt(_commit), _term))
            return ProposalOutcome.ChangeInProgress;
        var (voters, learners) = (_configuration.Voters, _configuration.Learners);
        var valid = change.Member != MemberId.None && change.Kind switch
        {
            ConfigurationChangeKind.AddLearner or ConfigurationChangeKind.AddVoter => !_configuration.Contains(change.Member),
            ConfigurationChangeKind.PromoteLearner => learners.Contains(change.Member),
            ConfigurationChangeKind.RemoveMember when voters.Contains(change.Member) => voters.Count > 1,
            ConfigurationChangeKind.RemoveMember => learners.Contains(change.Member),
            _ => false,
        };
        return valid ? ProposalOutcome.Accepted : ProposalOutcome.InvalidChange;
    }

    private bool IsChangeNext() => _handedOut < _commit && _log[_handedOut.Next].Kind == EntryKind.ConfigurationChange;

    private bool IsOwnRemoval(LogEntry entry) =>
        ConfigurationChange.Decode(entry.Data) is { Kind: ConfigurationChangeKind.RemoveMember } removal && removal.Member == Id;

    /// <summary>
    /// A change takes effect once all before it is applied, so that the state never lags behind the configuration that it records,
    /// and once its commit index is durable here. Whoever is told of it may switch removed members off; a
    /// member that forgot it at a restart would then wait for their votes for ever. For the same reason a leader acts on a
    /// removal, its own above all, only once a quorum of those that remain know that it is committed; and a follower does not
    /// leave before a leader tells it that this is so: until then the others may need its vote, or its lead.
    /// </summary>
    private bool MayTakeEffect(LogEntry entry)
    {
        if (entry.Id.Index > _applied.Next || entry.Id.Index > _durability.DurableCommit)
            return false;
        if (ConfigurationChange.Decode(entry.Data) is not { Kind: ConfigurationChangeKind.RemoveMember } removal)
            return true;
        if (_role != Role.Leader)
            return removal.Member != Id || entry.Id.Index <= _commitTold;
        var remaining = _configuration.Voters.Remove(removal.Member);
        var knowing = remaining.Count(voter => voter == Id || ProgressOf(voter)?.DurableCommit >= entry.Id.Index);
        return knowing >= _rules.QuorumOf(remaining.Count);
    }

    /// <summary>The commit index as a member is told it: of its own removal only when that has taken effect here.</summary>
    private LogIndex CommitFor(Progress member) =>
        member.Id == _pendingRemoval.Member ? Min(_commit, _pendingRemoval.Index.Previous) : _commit;

    /// <summary>What a new leader finds in its log.</summary>
    private void FindPendingRemoval()
    {
        _pendingRemoval = default;
        for (var index = _handedOut.Next; index <= _log.Last.Index; index = index.Next)
        {
            if (_log[index].Kind == EntryKind.ConfigurationChange
                && ConfigurationChange.Decode(_log[index].Data) is { Kind: ConfigurationChangeKind.RemoveMember } removal)
                _pendingRemoval = (removal.Member, index);
        }
    }

    private void ApplyChange(LogEntry entry)
    {
        var change = ConfigurationChange.Decode(entry.Data);
        _configuration = _configuration.Apply(change);
        if (_role != Role.Leader)
        {
            TellLeaderOfCommit();
            return;
        }

        if (entry.Id.Index >= _pendingRemoval.Index)
            _pendingRemoval = default;
        if (change.Kind == ConfigurationChangeKind.RemoveMember)
            TellRemoved(change.Member);
        if (!_rules.MayLead(_configuration, Id))
        {
            HandOverAsRemoved();
            return;
        }

        ConfigureProgress();
        if (ProgressOf(_transferTarget) is not { IsVoter: true })
            _transferTarget = MemberId.None;

        // Fewer acknowledgements may be enough now.
        CommitByCounting();
        ReleaseConfirmedReads();
    }

    /// <summary>The leader may wait for this: an answer that confirms no read round.</summary>
    private void TellLeaderOfCommit()
    {
        if (_leader != MemberId.None)
            AnswerHeartbeat(_leader, readRound: 0);
    }

    /// <summary>A last append, so that a member that is gone knows it and does not campaign.</summary>
    private void TellRemoved(MemberId removed)
    {
        if (removed != Id && ProgressOf(removed) is { State: ReplicationState.Replicate } member && member.Next > _log.Base.Index)
            SendAppend(member);
    }

    /// <summary>
    /// The leader's own removal is committed: it tells the others, lets the one that is furthest campaign at once rather
    /// than after an election timeout, and steps down (thesis, section 4.2.2).
    /// </summary>
    private void HandOverAsRemoved()
    {
        SendAppends();
        Progress? successor = null;
        foreach (var member in _progress)
        {
            if (member.Id != Id && member.IsVoter && (successor is null || member.Match > successor.Match))
                successor = member;
        }

        if (successor is not null)
            SendTimeoutNow(successor.Id);
        BecomeFollower(_term, MemberId.None);
    }

    /// <summary>
    /// After a restart: a change stands in a log only if the one before it is committed, so that the last but one change
    /// tells of a commit index that may not have reached the disk itself.
    /// </summary>
    private LogIndex CommitImpliedByChanges()
    {
        var foundLast = false;
        for (var index = _log.Last.Index; index > _handedOut; index = index.Previous)
        {
            if (_log[index].Kind != EntryKind.ConfigurationChange)
                continue;
            if (foundLast)
                return index;
            foundLast = true;
        }

        return LogIndex.Zero;
    }
}
