using System.Diagnostics;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Storage.Disk;

namespace Raft.Storage.Log;

/// <summary>
/// The write-ahead log with its own thread. While the disk syncs one batch, the next gathers: everything that waits when the
/// sync is done becomes one frame with one sync (group commit), so that throughput grows with the load at a latency of at
/// most two syncs.
/// </summary>
public sealed class WriteAheadLog : IWriteAheadLog, IDisposable
{
    private readonly SegmentedLog _log;
    private readonly Thread _writer;
    private readonly object _gate = new();

    // Guarded by the gate. The writer takes all that waits and leaves an empty list.
    private List<Waiting> _waiting = [];
    private EntryId _discard;
    private bool _stopping;
    private LogFailedException? _failure;

    private Task _preparation = Task.CompletedTask;

    /// <summary>Starts the thread that writes.</summary>
    /// <param name="log">The log; disposed of with this.</param>
    public WriteAheadLog(SegmentedLog log)
    {
        _log = log;
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "log writer" };
        _writer.Start();
    }

    /// <summary>Opens a log and starts to write to it.</summary>
    /// <exception cref="CorruptLogException">The log is damaged. Nothing was changed.</exception>
    /// <exception cref="ForeignLogException">It belongs to someone else. Nothing was changed.</exception>
    public static (WriteAheadLog Log, RecoveredLog Recovered) Open(IDisk disk, LogOptions options, LogIdentity identity)
    {
        var (log, recovered) = SegmentedLog.Open(disk, options, identity);
        return (new(log), recovered);
    }

    /// <inheritdoc/>
    public void Append(LogWrite write, Action<LogWrite, Exception?> completed)
    {
        Exception? refused;
        lock (_gate)
        {
            refused = _failure ?? (_stopping ? new ObjectDisposedException(nameof(WriteAheadLog)) : (Exception?)null);
            if (refused is null)
            {
                _waiting.Add(new(write, completed));
                Monitor.Pulse(_gate);
            }
        }

        if (refused is not null)
        {
            completed(write, refused);
        }
    }

    /// <inheritdoc/>
    public void DiscardUpTo(EntryId last)
    {
        lock (_gate)
        {
            if (last.Index > _discard.Index)
            {
                _discard = last;
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>Writes what waits, then stops the thread and closes the files.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        _writer.Join();
        _preparation.Wait();
        _log.Dispose();
    }

    private void WriteLoop()
    {
        var batch = new List<Waiting>();
        var writes = new List<LogWrite>();
        var discarded = EntryId.Zero;
        while (TryTake(ref batch, discarded, out var discard))
        {
            writes.AddRange(batch.Select(waiting => waiting.Write));
            try
            {
                Write(writes);
                Complete(batch, null);
                batch.Clear();
                writes.Clear();
                if (discard != discarded)
                {
                    _log.DiscardUpTo(discard);
                    discarded = discard;
                }
            }
#pragma warning disable CA1031 // Whatever it was, nobody knows what is on disk now.
            catch (Exception cause)
#pragma warning restore CA1031
            {
                Fail(batch, new LogFailedException(cause));
                return;
            }

            if (_log.WantsNextSegment && _preparation.IsCompleted)
            {
                _preparation = Task.Run(PrepareNextSegment);
            }
        }
    }

    /// <summary>Waits for something to do and takes all of it. False: stopped, with nothing left.</summary>
    private bool TryTake(ref List<Waiting> batch, EntryId discarded, out EntryId discard)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && _discard == discarded && !_stopping)
            {
                Monitor.Wait(_gate);
            }

            (batch, _waiting) = (_waiting, batch);
            discard = _discard;
            return batch.Count > 0 || discard != discarded;
        }
    }

    private void Write(List<LogWrite> writes)
    {
        if (writes.Count == 0)
        {
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var syncs = _log.Append(writes);
        StorageMetrics.LogSyncSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds / syncs);
        StorageMetrics.LogSyncs.Add(syncs);
        StorageMetrics.LogWrites.Add(writes.Count);
    }

    /// <summary>Tells everyone who waits, in order; whoever comes later is told by <see cref="Append"/>.</summary>
    private void Fail(List<Waiting> batch, LogFailedException failure)
    {
        List<Waiting> rest;
        lock (_gate)
        {
            _failure = failure;
            (rest, _waiting) = (_waiting, []);
        }

        Complete(batch, failure);
        Complete(rest, failure);
    }

    /// <summary>Only saves time: without a prepared segment the next one is made when it is needed, or fails then.</summary>
    private void PrepareNextSegment()
    {
        try
        {
            _log.PrepareNextSegment();
        }
        catch (IOException)
        {
        }
    }

    private static void Complete(List<Waiting> batch, Exception? failure)
    {
        foreach (var (write, completed) in batch)
        {
            completed(write, failure);
        }
    }

    private readonly record struct Waiting(LogWrite Write, Action<LogWrite, Exception?> Completed);
}
