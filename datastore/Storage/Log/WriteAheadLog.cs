using System.Diagnostics;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Storage.Disk;

namespace Raft.Storage.Log;

/// <summary>
/// The write-ahead log with its own thread. While the disk syncs one batch, the next gathers: everything that waits when the
/// sync is done becomes one frame with one sync (group commit), so that throughput grows with the load at a latency of at
/// most two syncs. Where next to nothing waits, another thread may stand in for it: see <see cref="TryStandIn"/>.
/// </summary>
public sealed class WriteAheadLog : IWriteAheadLog, IDisposable
{
    private static readonly long QuickWriteTicksMax = Stopwatch.Frequency / 500;

    private readonly SegmentedLog _log;
    private readonly Thread _writer;
    private readonly object _gate = new();

    // Guarded by the gate. Whoever writes takes all that waits and leaves an empty list.
    private List<Waiting> _waiting = [];
    private EntryId _discard;
    private bool _isWriting;
    private int _standIn;
    private bool _stopping;
    private LogFailedException? _failure;

    // Of whoever writes.
    private readonly List<LogWrite> _writes = [];
    private List<Waiting> _batch = [];
    private EntryId _discarded = EntryId.Zero;

    private long _lastWriteTicks;
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
                if (!_isWriting && _standIn != Environment.CurrentManagedThreadId)
                {
                    Monitor.Pulse(_gate);
                }
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

    /// <summary>
    /// The calling thread offers to write what it appends from now on, and must call <see cref="WriteWaiting"/> when it has appended
    /// what there is: waking the writer, and being woken, would take it longer than a quick disk does. False: the disk was slow lately,
    /// and nobody but the writer should wait for it.
    /// </summary>
    public bool TryStandIn()
    {
        if (Volatile.Read(ref _lastWriteTicks) > QuickWriteTicksMax)
        {
            return false;
        }

        lock (_gate)
        {
            _standIn = Environment.CurrentManagedThreadId;
        }

        return true;
    }

    /// <summary>
    /// Writes what waits, unless somebody is at it who will see to the rest. All that is called when writes are durable is called here.
    /// </summary>
    public void WriteWaiting()
    {
        lock (_gate)
        {
            if (_standIn == Environment.CurrentManagedThreadId)
            {
                _standIn = 0;
            }

            if (_isWriting || _stopping || _waiting.Count == 0)
            {
                return;
            }

            TakeAll();
        }

        WriteBatch();
        Release();
    }

    private void WriteLoop()
    {
        while (TryTake(out var discard))
        {
            WriteBatch();
            Discard(discard);
            Release();
        }
    }

    /// <summary>Waits for something to do and takes all of it. False: stopped, with nothing left, or failed.</summary>
    private bool TryTake(out EntryId discard)
    {
        lock (_gate)
        {
            while (_isWriting || !HasWork)
            {
                Monitor.Wait(_gate);
            }

            TakeAll();
            discard = _discard;
            return _failure is null && (_batch.Count > 0 || discard != _discarded);
        }
    }

    private bool HasWork => _waiting.Count > 0 || _discard != _discarded || _stopping || _failure is not null;

    private void TakeAll()
    {
        _isWriting = true;
        (_batch, _waiting) = (_waiting, _batch);
    }

    private void WriteBatch()
    {
        try
        {
            _writes.AddRange(_batch.Select(waiting => waiting.Write));
            Write(_writes);
            Complete(_batch, null);
            _batch.Clear();
            _writes.Clear();
        }
#pragma warning disable CA1031 // Whatever it was, nobody knows what is on disk now.
        catch (Exception cause)
#pragma warning restore CA1031
        {
            Fail(_batch, new LogFailedException(cause));
        }
    }

    /// <summary>Left to the writer: deleting files takes its time.</summary>
    private void Discard(EntryId last)
    {
        try
        {
            if (_failure is null && last != _discarded)
            {
                _log.DiscardUpTo(last);
                _discarded = last;
            }
        }
#pragma warning disable CA1031 // As above.
        catch (Exception cause)
#pragma warning restore CA1031
        {
            Fail([], new LogFailedException(cause));
        }
    }

    /// <summary>Whoever wrote is done; the writer sees to what came meanwhile.</summary>
    private void Release()
    {
        if (_log.WantsNextSegment && _preparation.IsCompleted)
        {
            _preparation = Task.Run(PrepareNextSegment);
        }

        lock (_gate)
        {
            _isWriting = false;
            if (HasWork)
            {
                Monitor.Pulse(_gate);
            }
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
        var took = Stopwatch.GetTimestamp() - started;
        Volatile.Write(ref _lastWriteTicks, took);
        StorageMetrics.LogSyncSeconds.Record(Stopwatch.GetElapsedTime(0, took).TotalSeconds / syncs);
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
