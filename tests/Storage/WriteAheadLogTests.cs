using System.Collections.Concurrent;
using System.Diagnostics;
using Raft.Consensus;
using Raft.InMemory;
using Raft.Node.Ports;
using Raft.Storage.Log;

namespace Raft.Storage.Tests;

public sealed class WriteAheadLogTests
{
    private static readonly LogIdentity Identity = new(1, new(1));
    private static readonly LogOptions Options = new() { SegmentBytes = 64 * 1024, ZeroAhead = false };

    private readonly InMemoryDisk _disk = new();

    public WriteAheadLogTests() => SegmentedLog.Create(_disk, Options, Identity);

    [Fact]
    public void Writes_that_wait_while_the_disk_is_busy_share_one_sync()
    {
        const int Writes = 1000;
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        using var busy = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        _disk.OnSync = () =>
        {
            busy.Set();
            goOn.Wait();
        };
        var done = new ConcurrentQueue<ulong>();
        var before = _disk.Syncs;
        log.Append(Write(1), (write, _) => done.Enqueue(write.Sequence));
        busy.Wait(TestContext.Current.CancellationToken);
        for (ulong i = 2; i <= Writes; i++)
        {
            log.Append(Write(i), (write, error) => done.Enqueue(error is null ? write.Sequence : 0));
        }

        Assert.Empty(done); // nothing is acknowledged before its sync
        goOn.Set();
        log.Dispose();
        Assert.Equal(Enumerable.Range(1, Writes).Select(i => (ulong)i), done);
        Assert.InRange(_disk.Syncs - before, 2, 5); // the first, the rest, and a new segment or two
        Assert.Equal(Writes, SegmentedLog.Open(_disk, Options, Identity).Recovered.Entries.Count);
    }

    [Fact]
    public void After_a_failed_sync_the_log_takes_nothing_more_and_says_so_to_all_in_order()
    {
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        var acknowledged = new ConcurrentQueue<ulong>();
        var refused = new ConcurrentQueue<ulong>();
        using var failed = new ManualResetEventSlim();
        _disk.OperationsUntilFailure = 6;
        for (ulong i = 1; i <= 20; i++)
        {
            using var completed = new ManualResetEventSlim();
            log.Append(Write(i), (write, error) =>
            {
                (error is null ? acknowledged : refused).Enqueue(write.Sequence);
                Assert.True(error is null or LogFailedException);
                completed.Set();
            });
            completed.Wait(TestContext.Current.CancellationToken);
        }

        _disk.OperationsUntilFailure = int.MaxValue; // the disk works again; nobody knows what it has lost
        log.Append(Write(21), (write, error) => refused.Enqueue(error is LogFailedException ? write.Sequence : 0));
        log.Dispose();
        Assert.Equal([1UL, 2UL, 3UL], acknowledged);
        Assert.Equal(Enumerable.Range(4, 18).Select(i => (ulong)i), refused);
        var (_, recovered) = SegmentedLog.Open(_disk.Crash(new Random(5).Next), Options, Identity);
        Assert.InRange(recovered.Entries.Count, 3, 4);
    }

    [Fact]
    public void A_full_disk_is_an_error_and_what_was_acknowledged_stays()
    {
        _disk.CapacityBytes = 3 * Options.SegmentBytes;
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        var acknowledged = 0UL;
        LogFailedException? failure = null;
        for (ulong i = 1; failure is null; i++)
        {
            using var completed = new ManualResetEventSlim();
            log.Append(Write(i, 5000), (write, error) =>
            {
                failure = (LogFailedException?)error;
                acknowledged = error is null ? write.Sequence : acknowledged;
                completed.Set();
            });
            completed.Wait(TestContext.Current.CancellationToken);
        }

        log.Dispose();
        Assert.Contains("No space", failure.Message, StringComparison.Ordinal);
        var (_, recovered) = SegmentedLog.Open(_disk.Crash(new Random(5).Next), Options, Identity);
        Assert.Equal(acknowledged, (ulong)recovered.Entries.Count);
    }

    [Fact]
    public void Segments_are_prepared_ahead_and_discarded_behind_while_writing()
    {
        var (log, _) = WriteAheadLog.Open(_disk, Options with { ZeroAhead = true }, Identity);
        for (ulong i = 1; i <= 100; i++)
        {
            using var completed = new ManualResetEventSlim();
            Exception? failure = null;
            log.Append(Write(i, 5000), (_, error) =>
            {
                failure = error;
                completed.Set();
            });
            completed.Wait(TestContext.Current.CancellationToken);
            Assert.Null(failure);
            log.DiscardUpTo(new(new(1), new(i)));
        }

        log.Dispose();
        Assert.InRange(_disk.List().Count, 1, 3);
        var (_, recovered) = SegmentedLog.Open(_disk, Options, Identity);
        Assert.Equal(100UL, recovered.Base.Index.Value + (ulong)recovered.Entries.Count);
    }

    [Fact]
    public void Whoever_stands_in_for_the_writer_is_called_by_nobody_else_and_in_order()
    {
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        var done = new List<(ulong Sequence, int Thread)>();
        ulong last = 0;
        var isOwn = false;
        while (!isOwn)
        {
            if (!log.TryStandIn())
            {
                WriteAndWait(log, ++last, done); // the disk was slow
                continue;
            }

            for (var i = 0; i < 3; i++)
            {
                log.Append(Write(++last), (write, _) => Done(done, write.Sequence));
            }

            log.WriteWaiting();
            WriteAndWait(log, ++last, done);
            isOwn = done[^4..^1].TrueForAll(static write => write.Thread == Environment.CurrentManagedThreadId);
            Assert.InRange(last, 1UL, 10_000UL); // the writer is ahead by chance only
        }

        log.Dispose();
        Assert.Equal(Enumerable.Range(1, (int)last).Select(i => (ulong)i), done.Select(write => write.Sequence));
        Assert.Equal((int)last, SegmentedLog.Open(_disk, Options, Identity).Recovered.Entries.Count);
    }

    [Fact]
    public void What_others_append_while_somebody_stands_in_is_written_too()
    {
        const int Writes = 500;
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        using var all = new CountdownEvent(2 * Writes);
        var appending = new Thread(() =>
        {
            for (var i = 0; i < Writes; i++)
            {
                log.Append(new LogWrite(0, new HardState(new((ulong)i + 1), default, default), [], null), (_, _) => all.Signal());
            }
        });
        appending.Start();
        for (var i = 0; i < Writes; i++)
        {
            var standsIn = log.TryStandIn();
            log.Append(Write((ulong)i + 1), (_, _) => all.Signal());
            if (standsIn)
            {
                log.WriteWaiting();
            }
        }

        Assert.True(all.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        appending.Join();
        log.Dispose();
        Assert.Equal(Writes, SegmentedLog.Open(_disk, Options, Identity).Recovered.Entries.Count);
    }

    [Fact]
    public void A_sync_that_fails_where_somebody_stands_in_ends_the_log_for_all()
    {
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        Exception? failure = null;
        using var failed = new ManualResetEventSlim();
        Assert.True(log.TryStandIn());
        _disk.OperationsUntilFailure = 0;
        log.Append(Write(1), (_, error) =>
        {
            failure = error;
            failed.Set();
        });
        log.WriteWaiting();
        failed.Wait(TestContext.Current.CancellationToken);
        _disk.OperationsUntilFailure = int.MaxValue;
        Exception? later = null;
        log.Append(Write(2), (_, error) => later = error);
        log.Dispose();
        Assert.IsType<LogFailedException>(failure);
        Assert.IsType<LogFailedException>(later);
    }

    [Fact]
    public void Nobody_stands_in_while_the_disk_is_slow()
    {
        var (log, _) = WriteAheadLog.Open(_disk, Options, Identity);
        _disk.OnSync = static () =>
        {
            var started = Stopwatch.StartNew();
            SpinWait.SpinUntil(() => started.ElapsedMilliseconds > 5);
        };
        WriteAndWait(log, 1, []);
        Assert.False(log.TryStandIn());
        log.Dispose();
    }

    private static void WriteAndWait(WriteAheadLog log, ulong index, List<(ulong Sequence, int Thread)> done)
    {
        using var completed = new ManualResetEventSlim();
        log.Append(Write(index), (write, _) =>
        {
            Done(done, write.Sequence);
            completed.Set();
        });
        completed.Wait(TestContext.Current.CancellationToken);
    }

    private static void Done(List<(ulong Sequence, int Thread)> done, ulong sequence) =>
        done.Add((sequence, Environment.CurrentManagedThreadId));

    private static LogWrite Write(ulong index, int bytes = 50) =>
        new(index, null, [new(new(new(1), new(index)), EntryKind.Command, new byte[bytes])], null);
}
