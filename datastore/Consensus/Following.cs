namespace Raft.Consensus;

/// <content>The follower's side of replication (Raft paper, sections 5.3 and 7).</content>
public sealed partial class ConsensusModule
{
    private void FollowLeader(MemberId leader)
    {
        Invariant.Holds(_role != Role.Leader, $"a term has one leader, but {leader} and {Id} both lead term {_term}");
        if (_role != Role.Follower)
        {
            BecomeFollower(_term, leader);
        }

        _leader = leader;
        _ticksSinceHeard = 0;
    }

    private void ReceiveAppend(Message message)
    {
        if (message.Log.Index < _commit)
        {
            // Late or repeated: all up to the commit index agrees with every leader's log (Leader Completeness).
            Accept(message.From, _commit);
            return;
        }

        if (!_log.Contains(message.Log))
        {
            Send(new Message
            {
                Kind = MessageKind.AppendResponse,
                To = message.From,
                Reject = true,
                Log = message.Log,
                Hint = _log.LastPossibleMatch(message.Log.Index, message.Log.Term),
            });
            return;
        }

        AppendFromLeader(message.Entries);
        var agreed = message.Entries.Count > 0 ? message.Entries[^1].Id.Index : message.Log.Index;
        CommitUpTo(message.Commit < agreed ? message.Commit : agreed);
        Accept(message.From, agreed);
    }

    /// <summary>Keeps what agrees, drops what conflicts, appends the rest (figure 2, AppendEntries, steps 3 and 4).</summary>
    private void AppendFromLeader(IReadOnlyList<LogEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (_log.Contains(entry.Id))
            {
                continue;
            }

            if (entry.Id.Index <= _log.Last.Index)
            {
                Invariant.Holds(entry.Id.Index > _commit, $"committed entries are never replaced, but {entry.Id} replaces one up to {_commit}");
                _log.TruncateFrom(entry.Id.Index);
            }

            _log.Append(entry);
        }
    }

    private void ReceiveHeartbeat(Message message)
    {
        CommitUpTo(message.Commit);
        Send(new Message { Kind = MessageKind.HeartbeatResponse, To = message.From, Context = message.Context });
    }

    private void ReceiveSnapshot(Message message)
    {
        Invariant.Holds(message.Snapshot is not null, "a snapshot that arrives says what it stands for");
        var last = message.Snapshot.Last;
        if (last.Index > _commit && _log.Contains(last))
        {
            // The log has all of it already; the leader only did not know.
            CommitUpTo(last.Index);
        }

        if (last.Index <= _commit)
        {
            Accept(message.From, _commit);
            return;
        }

        _log.Reset(last);
        _commit = _handedOut = _applied = last.Index;
        _configuration = message.Snapshot.Configuration;
        _installSnapshot = message.Snapshot;
        Accept(message.From, last.Index);
    }

    /// <summary>Tells the leader that the logs agree up to here; leaves once it is durable.</summary>
    private void Accept(MemberId leader, LogIndex agreed) =>
        Send(new Message { Kind = MessageKind.AppendResponse, To = leader, Log = new EntryId(Term.Zero, agreed) });
}
