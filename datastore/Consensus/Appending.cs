namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// AppendEntries' consistency check: a follower takes entries only where its log holds the entry before them, which
    /// keeps logs that share an entry equal up to it (Log Matching, paper, section 5.3).
    /// </summary>
    public virtual bool LogsAgree(bool holdsPrevious) => holdsPrevious;

    /// <summary>
    /// Whether an entry that is there already stays, with all that follow it: the request may be an old one, sent before they
    /// were (paper, figure 2, AppendEntries, step 3).
    /// </summary>
    public virtual bool MayStay(bool isTheSame) => isTheSame;
}

/// <summary>How a follower takes in what the leader sends (paper, section 5.3).</summary>
public sealed partial class ConsensusModule
{
    private void HandleAppend(Message request)
    {
        if (!IsContiguous(request))
            return;

        _commitTold = Max(_commitTold, request.Commit);
        var previous = request.Log;
        if (previous.Index < _commit)
        {
            // An old request: the logs of leader and follower agree at least as far as the follower knows it committed.
            Accept(request.From, _commit);
        }
        else if (_rules.LogsAgree(_log.Holds(previous)))
        {
            TakeEntries(request.Entries);
            var last = new LogIndex(previous.Index.Value + (ulong)request.Entries.Count);

            // Beyond the last new entry this log may still differ from the leader's (paper, figure 2, AppendEntries, step 5).
            if (request.Commit > _commit)
                AdvanceCommitTo(Max(_commit, Min(request.Commit, last)));
            Accept(request.From, last);
        }
        else
        {
            Send(new Message
            {
                Kind = MessageKind.AppendResponse,
                From = Id,
                To = request.From,
                Term = _term,
                Log = previous,
                Reject = true,
                Hint = _log.LastWithTermAtMost(previous.Term, previous.Index),
            });
        }
    }

    private static bool IsContiguous(Message request)
    {
        var expected = request.Log;
        foreach (var entry in request.Entries)
        {
            if (entry.Id.Index != expected.Index.Next || entry.Id.Term < expected.Term || entry.Id.Term > request.Term)
                return false;
            expected = entry.Id;
        }

        return true;
    }

    /// <summary>
    /// Entries that are there already stay, since the request may be an old one; from the first that differs on, the log is
    /// replaced (paper, figure 2, AppendEntries, steps 3 and 4).
    /// </summary>
    private void TakeEntries(IReadOnlyList<LogEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Id.Index <= _log.Last.Index)
            {
                if (_rules.MayStay(_log.Holds(entry.Id)))
                    continue;
                Invariant.Holds(entry.Id.Index > _commit, $"committed entry {entry.Id.Index} would be replaced by {entry.Id}");
                _log.TruncateFrom(entry.Id.Index);
                _durability.Truncated(entry.Id.Index);
            }

            _log.Append(entry);
        }
    }

    private void Accept(MemberId leader, LogIndex upTo) => Send(new Message
    {
        Kind = MessageKind.AppendResponse,
        From = Id,
        To = leader,
        Term = _term,
        Log = new EntryId(_log.TermAt(upTo), upTo),
        Commit = _durability.DurableCommit,
    });
}
