using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Members;
using Raft.Storage.Log;

namespace Raft.Simulation.Tests.Disks;

/// <summary>
/// One member's log while it runs: the real segments over a simulated disk. A sync takes its time, what waits meanwhile shares
/// the next one, and the power may be cut at any operation.
/// </summary>
internal sealed class SimulatedLog(SimulatedMember member, SegmentedLog log, LogImage durable) : IWriteAheadLog
{
    private readonly Queue<(LogWrite Write, Action<LogWrite, Exception?> Completed)> _waiting = new();
    private EntryId _discard;
    private EntryId _discarded;
    private bool _isSyncDue;
    private LogFailedException? _failure;

    /// <summary>What was completed, and must be there after any crash.</summary>
    public LogImage Durable => durable;

    public int WritesUnderWay => _waiting.Count;

    /// <summary>The last entry that was appended, durable or not.</summary>
    public EntryId Last => member.Watch.Memory.Last;

    public void Append(LogWrite write, Action<LogWrite, Exception?> completed)
    {
        member.MayDie();
        if (_failure is not null)
        {
            completed(write, _failure);
            return;
        }

        member.Watch.Appends(write);
        _waiting.Enqueue((write, completed));
        SyncSoon();
    }

    public void DiscardUpTo(EntryId last)
    {
        _discard = last;
        SyncSoon();
    }

    private void SyncSoon()
    {
        if (_isSyncDue)
            return;
        _isSyncDue = true;
        member.After(member.SyncMilliseconds(), () =>
        {
            _isSyncDue = false;
            member.OnDisk(Sync);
            if (_waiting.Count > 0 && member.Log == this)
                SyncSoon();
        });
    }

    /// <summary>Some of what waits, as the writer's thread may have come in the middle of the node's turn.</summary>
    private void Sync()
    {
        if (_failure is not null)
            return;
        var batch = new List<(LogWrite Write, Action<LogWrite, Exception?> Completed)>();
        for (var writes = _waiting.Count == 0 ? 0 : member.Random.Between(1, _waiting.Count); writes > 0; writes--)
            batch.Add(_waiting.Dequeue());
        try
        {
            if (batch.Count > 0)
                log.Append([.. batch.Select(waiting => waiting.Write)]);
        }
        catch (IOException error)
        {
            _failure = new LogFailedException(error);
            batch.AddRange(_waiting);
            _waiting.Clear();
        }

        catch (InvalidOperationException error)
        {
            throw new SafetyViolationException($"Stopped: the log of {member.Id}: {error.Message}", member.Id, error);
        }

        foreach (var (write, completed) in batch)
        {
            if (_failure is null)
            {
                var before = durable.HardState;
                durable.Write(write);
                SafetyChecker.Progresses(member.Id, before, durable.HardState);
            }

            completed(write, _failure);
        }

        if (_failure is not null)
            return;
        if (_discard != _discarded)
        {
            log.DiscardUpTo(_discard);
            durable.DiscardUpTo(_discard);
            _discarded = _discard;
        }

        if (log.WantsNextSegment)
            PrepareNextSegment();
    }

    /// <summary>It only saves time, so a disk that refuses does no harm.</summary>
    private void PrepareNextSegment()
    {
        try
        {
            log.PrepareNextSegment();
        }
        catch (IOException)
        {
        }
    }
}
