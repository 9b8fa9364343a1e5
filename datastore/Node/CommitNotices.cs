using Raft.Consensus;

namespace Raft.Node;

/// <content>
/// When followers are told of the commit index. It travels with the next append; by itself it is a message, an answer and a turn on each
/// follower, half of the messages of a lone writer. So while appends follow one another closely, the next one is waited for, for two
/// polls at most. Otherwise, and where a follower's client wrote, it leaves at once, as in etcd.
/// </content>
public sealed partial class Node
{
    /// <summary>Writes within a tick from which on the next one is expected soon.</summary>
    private const int CloseWrites = 20;

    private int _writesThisTick;
    private bool _areWritesClose;
    private bool _mustTellCommit;
    private LogIndex _commitAtPoll;

    /// <summary>
    /// While true, followers may not know yet what is committed, and whoever runs the node calls <see cref="Poll"/> about each
    /// millisecond; <see cref="NodePorts.Wake"/> is called when it becomes true. From any thread.
    /// </summary>
    public bool WantsPolls => Volatile.Read(ref _areWritesClose);

    /// <summary>A moment has passed: what was committed before the last poll is waited with no longer.</summary>
    public void Poll() => _inbox.Post(OnPoll);

    private void OnPoll()
    {
        var commit = _consensus.Commit;
        _mustTellCommit |= commit == _commitAtPoll;
        _commitAtPoll = commit;
    }

    /// <summary>Before the output is taken.</summary>
    private void PaceCommitNotices()
    {
        if (!_areWritesClose && _writesThisTick > CloseWrites && _consensus.Role == Role.Leader)
        {
            Volatile.Write(ref _areWritesClose, true);
            _ports.Wake();
        }

        _consensus.DefersCommit = _areWritesClose && !_mustTellCommit;
        _mustTellCommit = false;
    }

    /// <summary>At a tick.</summary>
    private void NoticeThePace()
    {
        Volatile.Write(ref _areWritesClose, _writesThisTick > CloseWrites && _consensus.Role == Role.Leader);
        _writesThisTick = 0;
    }
}
