namespace Raft.Consensus;

/// <content>
/// What has to be durable before what. A message that makes a promise (a vote, an acknowledgement) waits here until all that
/// it promises is on disk; everything else, a leader's appends above all, leaves at once, beside the local write
/// (Raft thesis, section 10.2.1).
/// </content>
public sealed partial class ConsensusModule
{
    /// <summary>Bytes of entries handed out for applying in one output, so that applying never holds up a heartbeat for long.</summary>
    private const long CommittedBytesMax = 4 * 1024 * 1024;

    private readonly Queue<PendingWrite> _pendingWrites = new();
    private PendingWrite? _newestWrite;
    private List<Message> _messages = [];
    private List<Message> _promises = [];
    private HardState _persistedHardState;
    private SnapshotMetadata? _installSnapshot;
    private ulong _persistSequence;

    /// <summary>A write that is under way, and what follows from its end.</summary>
    private sealed class PendingWrite
    {
        internal required ulong Sequence { get; init; }

        internal required EntryId Last { get; init; }

        internal required Term Term { get; init; }

        internal List<Message> Promises { get; } = [];
    }

    /// <summary>Whether <see cref="TakeOutput"/> would give anything to do.</summary>
    public bool HasOutput =>
        _messages.Count > 0
        || _promises.Count > 0
        || _installSnapshot is not null
        || MustPersistHardState
        || _log.NextToPersist <= _log.Last.Index
        || _handedOut < ReadyToApply
        || _releasedReads.Count > 0
        || _droppedReads.Count > 0
        || _openRound.Count > 0
        || (_role == Role.Leader && _progress.Any(member => member.Key != Id && member.Value.MaySend && HasNewsFor(member.Value)));

    // The commit index alone is not worth a write: it is found again by talking to the others.
    private bool MustPersistHardState => _term != _persistedHardState.Term || _vote != _persistedHardState.Vote;

    /// <summary>Committed, and on this member's disk: its state never runs ahead of its log.</summary>
    private LogIndex ReadyToApply => _commit < _log.Durable ? _commit : _log.Durable;

    /// <summary>Gives what there is to do and forgets it.</summary>
    public Output TakeOutput()
    {
        var committed = _log.Slice(_handedOut.Next, ReadyToApply, CommittedBytesMax);
        foreach (var entry in committed)
        {
            HandOut(entry);
        }

        if (_role == Role.Leader)
        {
            StartRound();
            SendAppends();
        }

        var snapshot = _installSnapshot;
        _installSnapshot = null;
        var entries = _log.TakeUnpersisted();
        var mustPersist = snapshot is not null || entries.Count > 0 || MustPersistHardState;
        if (mustPersist)
        {
            _newestWrite = new PendingWrite { Sequence = ++_persistSequence, Last = _log.Last, Term = _term };
            _pendingWrites.Enqueue(_newestWrite);
            _persistedHardState = new HardState(_term, _vote, _commit);
        }

        HoldPromises();
        var output = new Output
        {
            PersistSequence = mustPersist ? _persistSequence : 0,
            InstallSnapshot = snapshot,
            HardState = mustPersist ? _persistedHardState : null,
            Entries = entries,
            Messages = _messages,
            Committed = committed,
            ReleasedReads = [.. _releasedReads],
            DroppedReads = [.. _droppedReads],
        };
        _messages = [];
        _releasedReads.Clear();
        _droppedReads.Clear();
        return output;
    }

    /// <summary>All outputs up to this sequence are durable.</summary>
    public void Persisted(ulong sequence)
    {
        while (_pendingWrites.TryPeek(out var write) && write.Sequence <= sequence)
        {
            _pendingWrites.Dequeue();
            _log.MarkDurable(write.Last);
            _messages.AddRange(write.Promises);
            if (write.Term == _term && _role == Role.Candidate && _votes.TryAdd(Id, true))
            {
                DecideElection();
            }
        }

        if (_role == Role.Leader && _progress[Id].Accepted(_log.Durable))
        {
            AdvanceCommit();
        }
    }

    private void HandOut(LogEntry entry)
    {
        _handedOut = entry.Id.Index;
        if (_role == Role.Leader)
        {
            _uncommittedBytes = Math.Max(0, _uncommittedBytes - entry.Data.Length);
        }

        if (entry.Kind == EntryKind.ConfigurationChange)
        {
            ApplyChange(entry);
        }
    }

    private void Send(Message message)
    {
        var sent = message with { From = Id, Term = message.Term == Term.Zero ? _term : message.Term };
        (IsPromise(sent) ? _promises : _messages).Add(sent);
    }

    private static bool IsPromise(Message message) => message.Kind
        is MessageKind.VoteRequest or MessageKind.VoteResponse or MessageKind.AppendResponse;

    /// <summary>Ties promises to the newest write that is under way: it ends after all that they depend on.</summary>
    private void HoldPromises()
    {
        if (_promises.Count == 0)
        {
            return;
        }

        if (_pendingWrites.Count > 0)
        {
            _newestWrite!.Promises.AddRange(_promises);
        }
        else
        {
            _messages.AddRange(_promises);
        }

        _promises = [];
    }
}
