using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node.Tests.World;

/// <summary>A log on a disk that takes its time: what was appended is durable once the disk is told to go on.</summary>
internal sealed class MemoryLog : IWriteAheadLog
{
    private readonly Queue<(LogWrite Write, Action<LogWrite, Exception?> Completed)> _waiting = new();
    private readonly List<LogEntry> _entries = [];
    private HardState _hardState;
    private EntryId _base;

    /// <summary>While true, nothing becomes durable.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The next write fails with this, and nothing is written after it.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Writes that became durable; each would have cost a sync.</summary>
    public int Writes { get; private set; }

    public EntryId Base => _base;

    public void Append(LogWrite write, Action<LogWrite, Exception?> completed) => _waiting.Enqueue((write, completed));

    public void DiscardUpTo(EntryId last)
    {
        _entries.RemoveAll(entry => entry.Id.Index <= last.Index);
        _base = last;
    }

    /// <summary>Makes durable what waits.</summary>
    public bool Sync()
    {
        var any = false;
        while (!IsHeld && _waiting.TryDequeue(out var waiting))
        {
            any = true;
            if (Fault is null)
            {
                Keep(waiting.Write);
            }

            waiting.Completed(waiting.Write, Fault);
        }

        return any;
    }

    /// <summary>Makes the oldest write durable, whether others are held or not.</summary>
    public void SyncOldest()
    {
        var (write, completed) = _waiting.Dequeue();
        Keep(write);
        completed(write, null);
    }

    /// <summary>What was not durable is gone.</summary>
    public RecoveredLog Crash()
    {
        _waiting.Clear();
        IsHeld = false;
        return new RecoveredLog(_hardState, _base, [.. _entries]);
    }

    private void Keep(LogWrite write)
    {
        Writes++;
        _hardState = write.HardState ?? _hardState;
        if (write.Snapshot is { } snapshot)
        {
            _entries.Clear();
            _base = snapshot;
        }

        if (write.Entries.Count > 0)
        {
            var first = write.Entries[0].Id.Index;
            _entries.RemoveAll(entry => entry.Id.Index >= first);
            Assert.Equal(_entries.Count > 0 ? _entries[^1].Id.Index.Next : _base.Index.Next, first);
            _entries.AddRange(write.Entries);
        }
    }
}
