namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// A new leader knows which entries are committed only once one of its own term is (thesis, section 6.4, step 1).
    /// </summary>
    public virtual bool MayStartReading(Term committed, Term leader) => committed == leader;

    /// <summary>Whether a quorum other than the leader itself must confirm that it still leads (thesis, section 6.4, step 3).</summary>
    public virtual bool NeedsReadRound(int quorum) => quorum > 1;

    /// <summary>A number that no read round of this term had before: an old answer must not confirm a new round.</summary>
    public virtual ulong NextReadRound(ulong round) => round + 1;
}

/// <summary>
/// Linearizable reads without writing to the log (ReadIndex, thesis, section 6.4): note the commit index, let a quorum
/// confirm the leadership, answer once that index is applied. All reads that wait when the output is taken share a round, and
/// those that come while enough rounds are under way share the next: the busier the leader, the more reads a round serves. A
/// round whose messages were lost is confirmed by the answers to the next heartbeats.
/// </summary>
public sealed partial class ConsensusModule
{
    private readonly Queue<ReadRound> _readRounds = new();
    private List<ulong> _waitingReads = [];
    private readonly List<ReleasedRead> _releasedReads = [];
    private readonly List<ulong> _droppedReads = [];
    private ulong _readRound;

    /// <summary>Asks for a linearizable read; the answer comes in <see cref="Output.ReleasedReads"/> or DroppedReads.</summary>
    /// <returns>False if this member does not lead: nothing will come.</returns>
    public bool RequestRead(ulong context)
    {
        if (_role != Role.Leader)
            return false;
        _waitingReads.Add(context);
        return true;
    }

    private bool MayStartReadRound() =>
        _waitingReads.Count > 0
        && _role == Role.Leader
        && _readRounds.Count < _options.ReadRoundsInFlightMax
        && _rules.MayStartReading(_log.TermAt(_commit), _term);

    private void StartReadRound()
    {
        if (!MayStartReadRound())
            return;
        if (_rules.NeedsReadRound(_rules.QuorumOf(_configuration.Voters.Count)))
        {
            _readRound = _rules.NextReadRound(_readRound);
            _readRounds.Enqueue(new ReadRound(_readRound, _commit, _waitingReads));
            _waitingReads = [];
            SendHeartbeats();
        }
        else
        {
            Release(new ReadRound(_readRound, _commit, _waitingReads));
            _waitingReads.Clear();
        }
    }

    /// <summary>Whoever answers a round answers all before it: it followed this leader after they began.</summary>
    private void ConfirmReadRound(Progress member, ulong round)
    {
        if (round <= member.ReadRound)
            return;
        member.ReadRound = round;
        ReleaseConfirmedReads();
    }

    private void ReleaseConfirmedReads()
    {
        if (_readRounds.Count == 0)
            return;
        Span<ulong> rounds = stackalloc ulong[_progress.Length];
        var voters = 0;
        foreach (var member in _progress)
        {
            if (member.IsVoter)
                rounds[voters++] = member.Id == Id ? _readRound : member.ReadRound;
        }

        var confirmed = Quorum.Reached(rounds[..voters], _rules.QuorumOf(_configuration.Voters.Count));
        while (_readRounds.TryPeek(out var round) && round.Number <= confirmed)
            Release(_readRounds.Dequeue());
    }

    private void Release(ReadRound round)
    {
        foreach (var context in round.Contexts)
            _releasedReads.Add(new ReleasedRead(context, round.Index));
    }

    private void DropReads()
    {
        foreach (var round in _readRounds)
            _droppedReads.AddRange(round.Contexts);
        _droppedReads.AddRange(_waitingReads);
        _readRounds.Clear();
        _waitingReads.Clear();
    }

    /// <param name="Number">Unique within the term.</param>
    /// <param name="Index">Commit index when the round began.</param>
    /// <param name="Contexts">The reads that it answers.</param>
    private sealed record ReadRound(ulong Number, LogIndex Index, List<ulong> Contexts);
}
