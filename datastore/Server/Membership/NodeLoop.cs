using System.Diagnostics;
using Raft.Storage.Log;

namespace Raft.Server.Membership;

/// <summary>
/// Gives the node its thread and its ticks. The thread is its own, so that neither busy requests nor a starved thread pool
/// delay a heartbeat. While next to nothing is asked, whoever leaves an input runs the turn that takes it: handing over to a thread
/// that sleeps would be the larger part of the time that a lone client waits. For the same reason it then writes to the log what its
/// turn appended; by then it holds nobody up, however long the disk takes. Under load the hand-overs are worth their time, since
/// meanwhile a batch gathers.
/// </summary>
internal sealed class NodeLoop(TimeSpan tick, WriteAheadLog log) : IDisposable
{
    private const int QuietTurnsMax = 16;
    private const int PollMs = 1;

    // Left to the collector: a thread that leaves an input may still set it while this is disposed of.
    private readonly AutoResetEvent _work = new(initialState: false);

    // Held by whoever runs a turn.
    private readonly Lock _turns = new();
    private Node.Node? _node;
    private Thread? _thread;
    private volatile bool _isStopping;

    // What takes long, one after the other. Guarded by the turns.
    private Task _beside = Task.CompletedTask;

    // Whether there may be something for a turn. Whoever ran one looks afterwards: who came meanwhile left it to him.
    private volatile bool _isWanted = true;

    /// <summary>Has the work that there is done, here or by the loop; from any thread.</summary>
    public void Wake()
    {
        _isWanted = true;
        if (_node is not { IsQuiet: true } node || _turns.IsHeldByCurrentThread)
        {
            _work.Set();
            return;
        }

        var writes = false;
        for (var turn = 0; IsWanted; turn++)
        {
            if (turn == QuietTurnsMax || !node.IsQuiet)
            {
                _work.Set();
                break;
            }

            if (!_turns.TryEnter())
            {
                break;
            }

            writes |= log.TryStandIn();
            RunTurn(node);
        }

        if (writes)
        {
            log.WriteWaiting();
        }
    }

    public void Start(Node.Node node)
    {
        _node = node;
        _thread = new Thread(() => Run(node)) { Name = "raft", IsBackground = true, Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>Called in a turn: runs what would hold up the turns after it, on a thread of its own.</summary>
    public void RunBeside(Action takesLong) => _beside = _beside.ContinueWith(
        _ => takesLong(), CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Ends the loop and waits for the last turn, whoever runs it, and for what runs beside it.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _work.Set();
        _thread?.Join();
        Task beside;
        lock (_turns)
        {
            beside = _beside;
        }

        beside.Wait();
    }

    private void Run(Node.Node node)
    {
        var clock = Stopwatch.StartNew();
        var next = tick;
        while (!_isStopping)
        {
            while (!_isStopping && clock.Elapsed < next && IsWanted && _turns.TryEnter())
            {
                RunTurn(node);
            }

            if (next - clock.Elapsed is { Ticks: > 0 } left)
            {
                // In whole milliseconds: rounded down, the last one would be spent without a pause.
                var pause = node.WantsPolls ? PollMs : (int)Math.Ceiling(left.TotalMilliseconds);
                if (!_work.WaitOne(pause) && node.WantsPolls)
                {
                    // Within the turn: left to Wake, this thread might be the one to write the log, and to wait for the disk.
                    _turns.Enter();
                    node.Poll();
                    RunTurn(node);
                }

                continue;
            }

            // After a pause (a stopped process, a long collection) time is not made up for: a burst of ticks would look
            // like an election timeout although nobody was silent.
            _turns.Enter();
            node.Tick();
            next = next + tick < clock.Elapsed ? clock.Elapsed + tick : next + tick;
            RunTurn(node);
        }
    }

    private bool IsWanted
    {
        get
        {
            // After the lock was left: either who wants a turn has found it free, or this sees that one is wanted.
            Interlocked.MemoryBarrier();
            return _isWanted;
        }
    }

    /// <summary>Runs a turn, and leaves the lock that was entered for it. There may be more to do until one finds nothing.</summary>
    private void RunTurn(Node.Node node)
    {
        try
        {
            _isWanted = false;
            if (!_isStopping && node.RunTurn())
            {
                _isWanted = true;
            }
        }
        finally
        {
            _turns.Exit();
        }
    }
}
