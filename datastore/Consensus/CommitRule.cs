namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// A leader commits by counting only what it wrote itself; older entries become committed with it. An entry of an older
    /// term may be on a majority and yet be overwritten (paper, section 5.4.2, figure 8).
    /// </summary>
    public virtual bool MayCommitByCounting(Term entry, Term leader) => entry == leader;

    /// <summary>
    /// How far the leader's own log counts towards the quorum: as far as it is durable. The disk may be slower than the
    /// followers (thesis, section 10.2.1).
    /// </summary>
    public virtual LogIndex OwnMatch(LogIndex durable, LogIndex last) => durable;

    /// <summary>
    /// Up to where committed entries are handed out to be applied: what is not durable here yet could be forgotten here
    /// although its effect is in the state.
    /// </summary>
    public virtual LogIndex MayHandOut(LogIndex commit, LogIndex durable) => commit < durable ? commit : durable;
}

/// <summary>When an entry is committed.</summary>
public sealed partial class ConsensusModule
{
    private void AcknowledgeOwnLog()
    {
        if (_role == Role.Leader
            && ProgressOf(Id) is { } self
            && self.Acknowledged(_rules.OwnMatch(_durability.Durable, _log.Last.Index)))
        {
            CommitByCounting();
        }
    }

    /// <summary>The highest index that a quorum of voters holds, if it is of the present term (paper, figure 2, leaders).</summary>
    private void CommitByCounting()
    {
        Span<ulong> matches = stackalloc ulong[_progress.Length];
        var voters = 0;
        foreach (var member in _progress)
        {
            if (member.IsVoter)
                matches[voters++] = member.Match.Value;
        }

        var reached = new LogIndex(Quorum.Reached(matches[..voters], _rules.QuorumOf(_configuration.Voters.Count)));
        if (reached > _commit && _rules.MayCommitByCounting(_log.TermAt(reached), _term))
            CommitUpTo(reached);
    }

    private void CommitUpTo(LogIndex index)
    {
        Invariant.Holds(index <= _log.Last.Index, $"commit index {index} is beyond the log, which ends at {_log.Last}");
        if (_role == Role.Leader)
        {
            for (var committed = _commit.Next; committed <= index; committed = committed.Next)
                _uncommittedBytes -= _log[committed].Data.Length;
        }

        _commit = index;
    }

    /// <summary>Follows the leader's commit index; it never goes back.</summary>
    private void AdvanceCommitTo(LogIndex index)
    {
        if (index > _log.Last.Index)
        {
            // The leader counts on entries that this member acknowledged and does not have: its disk lost them. A learner's
            // acknowledgement decided nothing; it may begin anew.
            Invariant.Holds(!_configuration.Voters.Contains(Id), $"acknowledged entries up to {index} are gone, the log ends at {_log.Last}");
            return;
        }

        if (index > _commit)
            CommitUpTo(index);
    }
}
