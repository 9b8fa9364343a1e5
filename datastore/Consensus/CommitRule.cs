namespace Raft.Consensus;

/// <content>When an entry is committed (Raft paper, sections 5.3 and 5.4.2).</content>
public sealed partial class ConsensusModule
{
    /// <summary>
    /// Commits what a majority holds, if it is of the leader's own term: entries of earlier terms are committed only by
    /// those after them (figure 8 shows what goes wrong otherwise).
    /// </summary>
    private void AdvanceCommit()
    {
        var reached = new LogIndex(Quorum.ReachedByMajority(_configuration, _progress, static member => member.Match.Value));
        if (reached > _commit && _log.TermAt(reached) == _term)
        {
            CommitUpTo(reached);
            AdmitEarlyReads();
        }
    }

    private void CommitUpTo(LogIndex index)
    {
        if (index > _commit)
        {
            Invariant.Holds(index <= _log.Last.Index, $"what is committed is in the log, but {index} is past its end {_log.Last}");
            _commit = index;
        }
    }
}
