using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <summary>A linearizable read that waits until this member's state is new enough.</summary>
internal sealed class PendingRead(NodeOptions options, Admission admission, long deadline)
    : PendingAnswer<LogIndex>(options.AnswerOptions, admission, bytes: 0, deadline)
{
    /// <summary>A forwarded read is the leader's to answer, or nobody's; the asking member waits for its own state.</summary>
    internal bool IsForwarded { get; init; }

    internal override void Take(Node node) => node.TakeRead(this);

    internal override void Refuse(NodeError error) => Refuse(error, surelyNotDone: true);

    internal override void Expire(Term now) => Refuse(NodeError.Timeout, surelyNotDone: true);
}

/// <summary>
/// Linearizable reads (Raft thesis, section 6.4): all that wait at the end of a turn share one round, on the leader with its
/// followers, on a follower with the leader; then they wait until this member has applied what the round named.
/// </summary>
internal sealed class ReadBarrier(ConsensusModule consensus, IForwarder forwarder, Inbox inbox)
{
    private readonly Dictionary<ulong, List<PendingRead>> _rounds = [];
    private readonly PriorityQueue<(List<PendingRead> Reads, LogIndex Index), ulong> _awaitingApply = new();
    private List<PendingRead> _asking = [];
    private ulong _lastRound;

    // One question to the leader at a time; a new leader need not wait for the old one's answer.
    private MemberId _asked;
    private ulong _lastQuestion;
    private bool _mustPause;

    internal long Count { get; private set; }

    internal void Add(PendingRead read)
    {
        Count++;
        if (read.IsForwarded && consensus.Role != Role.Leader)
        {
            read.Refuse(NodeError.NotLeader);
            return;
        }

        _asking.Add(read);
    }

    /// <summary>After a tick a question that failed may be asked again.</summary>
    internal void Tick()
    {
        _mustPause = false;
        _asking.RemoveAll(static read => read.IsAnswered);
    }

    /// <summary>Starts a round for all that wait, if somebody can be asked.</summary>
    internal void Ask()
    {
        if (_asking.Count == 0)
        {
            return;
        }

        if (consensus.Role == Role.Leader)
        {
            consensus.RequestRead(++_lastRound);
            _rounds.Add(_lastRound, TakeAsking());
        }
        else if (consensus.Leader != MemberId.None && consensus.Leader != _asked && !_mustPause)
        {
            _asked = consensus.Leader;
            _ = AskLeaderAsync(_asked, ++_lastQuestion, TakeAsking());
        }
    }

    internal void Released(ReleasedRead read)
    {
        if (_rounds.Remove(read.Context, out var reads))
        {
            foreach (var forwarded in reads.Where(static pending => pending.IsForwarded))
            {
                forwarded.Complete(read.Index);
            }

            _awaitingApply.Enqueue((reads, read.Index), read.Index.Value);
        }
    }

    /// <summary>Leadership was lost in the middle of the round: the question goes to the next leader.</summary>
    internal void Dropped(ulong context)
    {
        if (_rounds.Remove(context, out var reads))
        {
            AskAgain(reads);
        }
    }

    internal void Applied(LogIndex applied)
    {
        while (_awaitingApply.TryPeek(out var round, out var index) && index <= applied.Value)
        {
            _awaitingApply.Dequeue();
            foreach (var read in round.Reads)
            {
                read.Complete(round.Index);
            }
        }
    }

    private async Task AskLeaderAsync(MemberId leader, ulong question, List<PendingRead> reads)
    {
        LogIndex? index = null;
        try
        {
            index = await forwarder.ReadIndexAsync(leader, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            // Whatever went wrong, a read changes nothing: it may be asked for again.
            inbox.Post(() => Answered(question, reads, index));
        }
    }

    private void Answered(ulong question, List<PendingRead> reads, LogIndex? index)
    {
        var isNewest = question == _lastQuestion;
        if (isNewest)
        {
            _asked = MemberId.None;
        }

        if (index is { } known)
        {
            _awaitingApply.Enqueue((reads, known), known.Value);
            return;
        }

        _mustPause |= isNewest;
        AskAgain(reads);
    }

    private void AskAgain(List<PendingRead> reads)
    {
        foreach (var read in reads.Where(static read => !read.IsAnswered))
        {
            if (read.IsForwarded)
            {
                read.Refuse(NodeError.NotLeader);
            }
            else
            {
                _asking.Add(read);
            }
        }
    }

    private List<PendingRead> TakeAsking()
    {
        var reads = _asking;
        _asking = [];
        return reads;
    }
}
