namespace Raft.Consensus;

/// <summary>How commands and changes of members enter the leader's log (paper, section 5.3).</summary>
public sealed partial class ConsensusModule
{
    private long _uncommittedBytes;

    /// <summary>Appends a command to the log if this member leads; says so if it does not.</summary>
    public ProposalResult Propose(ReadOnlyMemory<byte> command)
    {
        var outcome = MayPropose(command.Length);
        return outcome == ProposalOutcome.Accepted
            ? new(outcome, AppendToOwnLog(EntryKind.Command, command))
            : new(outcome, EntryId.Zero);
    }

    private ProposalOutcome MayPropose(int bytes)
    {
        if (_role != Role.Leader)
            return ProposalOutcome.NotLeader;
        if (_transferTarget != MemberId.None)
            return ProposalOutcome.LeadershipMoving;

        // A single command is taken however large it is: whoever proposes it bounds that.
        return _uncommittedBytes > 0 && _uncommittedBytes + bytes > _options.UncommittedBytesMax
            ? ProposalOutcome.Overloaded
            : ProposalOutcome.Accepted;
    }

    /// <summary>A leader only ever appends to its log (Leader Append-Only, paper, figure 3).</summary>
    private EntryId AppendToOwnLog(EntryKind kind, ReadOnlyMemory<byte> data)
    {
        var id = new EntryId(_term, _log.Last.Index.Next);
        _log.Append(new LogEntry(id, kind, data));
        _uncommittedBytes += data.Length;
        return id;
    }

    /// <summary>Counts what a new leader found in its log and must still commit.</summary>
    private void StartProposals()
    {
        _uncommittedBytes = 0;
        for (var index = _commit.Next; index <= _log.Last.Index; index = index.Next)
            _uncommittedBytes += _log[index].Data.Length;
        _changeBarrier = _log.Last.Index;
        FindPendingRemoval();
    }
}
