namespace Raft.Consensus;

/// <content>The leader's side of replication (Raft paper, section 5.3).</content>
public sealed partial class ConsensusModule
{
    private long _uncommittedBytes;

    /// <summary>Appends a command to the log if this member leads; says so if it does not.</summary>
    public ProposalResult Propose(ReadOnlyMemory<byte> command)
    {
        var refusal = RefuseProposal(command.Length);
        return refusal is null
            ? new ProposalResult(ProposalOutcome.Accepted, AppendToOwnLog(EntryKind.Command, command))
            : new ProposalResult(refusal.Value, default);
    }

    private ProposalOutcome? RefuseProposal(int bytes)
    {
        if (_role != Role.Leader)
        {
            return ProposalOutcome.NotLeader;
        }

        if (_transferTarget != MemberId.None)
        {
            return ProposalOutcome.LeadershipMoving;
        }

        // One proposal always fits, or a large one could never be made.
        return _uncommittedBytes > 0 && _uncommittedBytes + bytes > _options.UncommittedBytesMax ? ProposalOutcome.Overloaded : null;
    }

    /// <summary>Leader Append-Only (figure 3): a leader only ever adds to its log.</summary>
    private EntryId AppendToOwnLog(EntryKind kind, ReadOnlyMemory<byte> data)
    {
        var id = new EntryId(_term, _log.Last.Index.Next);
        _log.Append(new LogEntry(id, kind, data));
        _uncommittedBytes += data.Length;
        return id;
    }

    /// <summary>Sends each member what it lacks, in as few messages as flow control allows.</summary>
    private void SendAppends()
    {
        foreach (var (member, progress) in _progress)
        {
            if (member == Id)
            {
                continue;
            }

            while (progress.MaySend && HasNewsFor(progress) && SendAppend(member, progress))
            {
            }
        }
    }

    private bool HasNewsFor(Progress progress) =>
        progress.Next <= _log.Last.Index
        || progress.MustProbe
        || progress.State == ProgressState.Probe
        || progress.CommitSent < _commit;

    /// <returns>Whether more may follow.</returns>
    private bool SendAppend(MemberId member, Progress progress)
    {
        var previous = progress.Next.Previous;
        if (_log.TermAt(previous) is not { } previousTerm)
        {
            return SendSnapshot(member, progress);
        }

        var entries = _log.From(progress.Next, _options.AppendBytesMax);
        Send(new Message
        {
            Kind = MessageKind.AppendRequest,
            To = member,
            Log = new EntryId(previousTerm, previous),
            Entries = entries,
            Commit = _commit,
        });
        progress.CommitSent = _commit;
        progress.AppendSent(new LogIndex(previous.Value + (ulong)entries.Count), entries.Count > 0);
        return true;
    }

    /// <summary>The member needs entries that are compacted (section 7). It gets a snapshot only while it answers at all.</summary>
    private bool SendSnapshot(MemberId member, Progress progress)
    {
        if (!progress.RecentlyActive)
        {
            progress.Pause();
            return false;
        }

        Send(new Message { Kind = MessageKind.SnapshotRequest, To = member });
        progress.AwaitSnapshot();
        return false;
    }

    /// <summary>A snapshot that the core asked to be sent has arrived there, or could not be delivered.</summary>
    public void SnapshotSent(MemberId to, bool delivered)
    {
        if (_role != Role.Leader || !_progress.TryGetValue(to, out var progress) || progress.State != ProgressState.Snapshot)
        {
            return;
        }

        if (delivered)
        {
            progress.SnapshotDelivered();
        }
        else
        {
            progress.Pause();
        }
    }

    /// <summary>The last messages to this member were probably lost: send one at a time until it answers.</summary>
    public void Unreachable(MemberId member)
    {
        if (_role == Role.Leader && _progress.TryGetValue(member, out var progress) && progress.State == ProgressState.Replicate)
        {
            progress.Probe();
        }
    }

    private void ReceiveAppendResponse(Message message)
    {
        if (!_progress.TryGetValue(message.From, out var progress))
        {
            return;
        }

        progress.RecentlyActive = true;
        if (message.Reject)
        {
            var hint = _log.LastPossibleMatch(message.Hint.Index, message.Hint.Term);
            progress.Rejected(message.Log.Index, hint.Index);
            return;
        }

        Invariant.Holds(
            message.Log.Index <= _log.Last.Index,
            $"a follower holds nothing that its leader lacks, but {message.From} acknowledged {message.Log.Index} of {_log.Last}");
        var isNews = progress.Accepted(message.Log.Index);
        if (progress.State == ProgressState.Probe
            || (progress.State == ProgressState.Snapshot && progress.Match >= _log.Base.Index))
        {
            progress.Replicate();
        }

        if (isNews)
        {
            AdvanceCommit();
            ContinueTransfer(message.From, progress);
        }
    }

    /// <summary>Heartbeats are small, apart from the data, and never wait for a disk.</summary>
    private void SendHeartbeats()
    {
        foreach (var (member, progress) in _progress)
        {
            if (member != Id)
            {
                Send(new Message
                {
                    Kind = MessageKind.HeartbeatRequest,
                    To = member,
                    Commit = progress.Match < _commit ? progress.Match : _commit,
                    Context = _lastRound,
                });
            }
        }
    }

    private void ReceiveHeartbeatResponse(Message message)
    {
        if (_progress.TryGetValue(message.From, out var progress))
        {
            progress.HeartbeatAnswered(isBehind: progress.Match < _log.Last.Index);
            ConfirmRound(progress, message.Context);
        }
    }
}
