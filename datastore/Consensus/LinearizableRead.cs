namespace Raft.Consensus;

/// <content>
/// Reads that see every write acknowledged before them, without a log entry (ReadIndex, Raft thesis, section 6.4). All reads
/// that wait when an output is taken share one numbered round of heartbeats; a member that answers a round confirms that
/// it still followed this leader after the round began, and so confirms all earlier rounds too.
/// </content>
public sealed partial class ConsensusModule
{
    private readonly Queue<ReadRound> _rounds = new();
    private List<ulong> _openRound = [];
    private readonly List<ulong> _earlyReads = [];
    private readonly List<ulong> _droppedReads = [];
    private readonly List<ReleasedRead> _releasedReads = [];

    // Never used twice by this process, so that no answer can count for a round that began after it was given.
    private ulong _lastRound;

    private sealed record ReadRound(ulong Number, LogIndex Index, List<ulong> Contexts);

    /// <summary>Asks for a linearizable read; the answer comes in <see cref="Output.ReleasedReads"/> or DroppedReads.</summary>
    /// <returns>False if this member does not lead: nothing will come.</returns>
    public bool RequestRead(ulong context)
    {
        if (_role != Role.Leader)
        {
            return false;
        }

        // A new leader does not know what is committed until it has committed an entry of its own (section 8).
        (HasCommittedInOwnTerm ? _openRound : _earlyReads).Add(context);
        return true;
    }

    private bool HasCommittedInOwnTerm => _log.TermAt(_commit) == _term;

    private void AdmitEarlyReads()
    {
        _openRound.AddRange(_earlyReads);
        _earlyReads.Clear();
    }

    /// <summary>Closes the open round and asks everyone to confirm it.</summary>
    private void StartRound()
    {
        if (_openRound.Count == 0)
        {
            return;
        }

        _rounds.Enqueue(new ReadRound(++_lastRound, _commit, _openRound));
        _openRound = [];
        _progress[Id].ConfirmedRound = _lastRound;
        SendHeartbeats();
        ReleaseConfirmedRounds();
    }

    private void ConfirmRound(Progress progress, ulong round)
    {
        Invariant.Holds(round <= _lastRound, $"round {round} was asked for, but the last one was {_lastRound}");
        if (round > progress.ConfirmedRound)
        {
            progress.ConfirmedRound = round;
            ReleaseConfirmedRounds();
        }
    }

    private void ReleaseConfirmedRounds()
    {
        if (_rounds.Count == 0)
        {
            return;
        }

        var confirmed = Quorum.ReachedByMajority(_configuration, _progress, static member => member.ConfirmedRound);
        while (_rounds.TryPeek(out var round) && round.Number <= confirmed)
        {
            _rounds.Dequeue();
            _releasedReads.AddRange(round.Contexts.Select(context => new ReleasedRead(context, round.Index)));
        }
    }

    private void DropReads()
    {
        _droppedReads.AddRange(_rounds.SelectMany(round => round.Contexts));
        _droppedReads.AddRange(_openRound);
        _droppedReads.AddRange(_earlyReads);
        _rounds.Clear();
        _openRound.Clear();
        _earlyReads.Clear();
    }
}
