namespace Raft.Consensus;

/// <content>
/// Changes of members, one at a time (Raft thesis, section 4.1): any majority of the old and of the new members then have
/// one in common. A change takes effect on each member when that member hands it out to be applied, as in etcd.
/// </content>
public sealed partial class ConsensusModule
{
    // Leader: no further change before this index is applied.
    private LogIndex _lastChange;

    /// <summary>Appends a change of members. Refused while another is not yet applied, or when it makes no sense.</summary>
    public ProposalResult ProposeChange(ConfigurationChange change)
    {
        var data = change.Encode();
        var refusal = RefuseProposal(data.Length) ?? RefuseChange(change);
        if (refusal is not null)
        {
            return new ProposalResult(refusal.Value, default);
        }

        var entry = AppendToOwnLog(EntryKind.ConfigurationChange, data);
        _lastChange = entry.Index;
        return new ProposalResult(ProposalOutcome.Accepted, entry);
    }

    private ProposalOutcome? RefuseChange(ConfigurationChange change)
    {
        // The second half is the correction of 2015 to the thesis: first an entry of the own term, then changes.
        if (_lastChange > _handedOut || !HasCommittedInOwnTerm)
        {
            return ProposalOutcome.ChangeInProgress;
        }

        var makesSense = change.Member != MemberId.None && change.Kind switch
        {
            ConfigurationChangeKind.AddLearner or ConfigurationChangeKind.AddVoter => !_configuration.Contains(change.Member),
            ConfigurationChangeKind.PromoteLearner => _configuration.Learners.Contains(change.Member),
            ConfigurationChangeKind.RemoveMember =>
                _configuration.Contains(change.Member) && _configuration.Apply(change).Voters.Count > 0,
            _ => false,
        };
        return makesSense ? null : ProposalOutcome.InvalidChange;
    }

    /// <summary>Makes the change of a committed entry the configuration that this member works with.</summary>
    private void ApplyChange(LogEntry entry)
    {
        _configuration = _configuration.Apply(ConfigurationChange.Decode(entry.Data));
        if (_role != Role.Leader)
        {
            return;
        }

        foreach (var member in _configuration.Members)
        {
            if (!_progress.ContainsKey(member))
            {
                AddProgress(member);
            }
        }

        // The others learn that the change is committed before whoever it removes falls silent.
        SendAppends();
        foreach (var gone in _progress.Keys.Where(member => !_configuration.Contains(member) && member != Id).ToList())
        {
            _progress.Remove(gone);
        }

        if (!_configuration.Voters.Contains(Id))
        {
            // The removed leader steps down once its removal is committed (thesis, section 4.2.2).
            BecomeFollower(_term, MemberId.None);
            return;
        }

        if (!_configuration.Voters.Contains(_transferTarget))
        {
            _transferTarget = MemberId.None;
        }

        // A smaller quorum may have been reached already.
        AdvanceCommit();
        ReleaseConfirmedRounds();
    }
}
