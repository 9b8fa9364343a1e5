using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <summary>
/// Linearizable reads (Raft thesis, section 6.4): all that wait at the end of a turn share one round, on the leader with its
/// followers, on a follower with the leader; then they wait until this member has applied what the round named.
/// </summary>
internal sealed class ReadBarrier(ConsensusModule consensus, IForwarder forwarder, Inbox inbox)
{
    private readonly Dictionary<ulong, List<Waiter>> _rounds = [];
    private readonly PriorityQueue<(List<Waiter> Waiters, LogIndex Index), ulong> _awaitingApply = new();
    private List<Waiter> _asking = [];
    private ulong _lastRound;
    private bool _isAskingLeader;
    private bool _mustPause;

    internal sealed class Waiter(long deadline) : IExpiring
    {
        private readonly TaskCompletionSource<LogIndex> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<LogIndex> Answer => _answer.Task;

        public long Deadline => deadline;

        public bool IsAnswered => _answer.Task.IsCompleted;

        /// <summary>A forwarded read is the leader's to answer, or nobody's.</summary>
        internal bool IsForwarded { get; init; }

        public void Expire() => Refuse(NodeError.Timeout);

        internal void Refuse(NodeError error) => _answer.TrySetException(new RequestRefusedException(error, surelyNotDone: true));

        internal void Complete(LogIndex index) => _answer.TrySetResult(index);
    }

    internal long Count { get; private set; }

    internal void Add(Waiter waiter)
    {
        Count++;
        if (waiter.IsForwarded && consensus.Role != Role.Leader)
        {
            waiter.Refuse(NodeError.NotLeader);
            return;
        }

        _asking.Add(waiter);
    }

    /// <summary>After a tick a question that failed may be asked again.</summary>
    internal void Tick() => _mustPause = false;

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
            _rounds.Add(_lastRound, Take());
        }
        else if (consensus.Leader != MemberId.None && !_isAskingLeader && !_mustPause)
        {
            _isAskingLeader = true;
            _ = AskLeaderAsync(consensus.Leader, Take());
        }
    }

    internal void Released(ReleasedRead read)
    {
        if (_rounds.Remove(read.Context, out var waiters))
        {
            _awaitingApply.Enqueue((waiters, read.Index), read.Index.Value);
        }
    }

    /// <summary>Leadership was lost in the middle of the round: the question goes to the next leader.</summary>
    internal void Dropped(ulong context)
    {
        if (_rounds.Remove(context, out var waiters))
        {
            AskAgain(waiters);
        }
    }

    internal void Applied(LogIndex applied)
    {
        while (_awaitingApply.TryPeek(out var read, out var index) && index <= applied.Value)
        {
            _awaitingApply.Dequeue();
            foreach (var waiter in read.Waiters)
            {
                waiter.Complete(read.Index);
            }
        }
    }

    private async Task AskLeaderAsync(MemberId leader, List<Waiter> waiters)
    {
        LogIndex? index;
        try
        {
            index = await forwarder.ReadIndexAsync(leader, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ForwardingException)
        {
            index = null;
        }

        inbox.Post(() =>
        {
            _isAskingLeader = false;
            if (index is { } known)
            {
                _awaitingApply.Enqueue((waiters, known), known.Value);
            }
            else
            {
                _mustPause = true;
                AskAgain(waiters);
            }
        });
    }

    private void AskAgain(List<Waiter> waiters)
    {
        foreach (var waiter in waiters.Where(waiter => !waiter.IsAnswered))
        {
            if (waiter.IsForwarded)
            {
                waiter.Refuse(NodeError.NotLeader);
            }
            else
            {
                _asking.Add(waiter);
            }
        }
    }

    private List<Waiter> Take()
    {
        var waiters = _asking;
        _asking = [];
        return waiters;
    }
}
