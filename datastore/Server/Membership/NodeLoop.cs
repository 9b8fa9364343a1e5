using System.Diagnostics;

namespace Raft.Server.Membership;

/// <summary>
/// Gives the node its thread and its ticks. The thread is its own, so that neither busy requests nor a starved thread pool
/// delay a heartbeat. While next to nothing is asked, whoever leaves an input runs the turn that takes it: handing over to a thread
/// that sleeps would be the larger part of the time that a lone client waits. Under load the hand-over is worth its time, since
/// meanwhile a batch gathers.
/// </summary>
internal sealed class NodeLoop(TimeSpan tick) : IDisposable
{
    // Left to the collector: a thread that leaves an input may still set it while this is disposed of.
    private readonly AutoResetEvent _work = new(initialState: false);

    // Held by whoever runs turns.
    private readonly Lock _turns = new();
    private Node.Node? _node;
    private Thread? _thread;
    private volatile bool _isStopping;

    /// <summary>Has the work that there is done, here or by the loop; from any thread.</summary>
    public void Wake()
    {
        if (!_isStopping && !TryRunTurn())
        {
            _work.Set();
        }
    }

    public void Start(Node.Node node)
    {
        _node = node;
        _thread = new Thread(() => Run(node)) { Name = "raft", IsBackground = true, Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>Ends the loop and waits for the last turn, whoever runs it.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _work.Set();
        _thread?.Join();
        lock (_turns)
        {
        }
    }

    private void Run(Node.Node node)
    {
        var clock = Stopwatch.StartNew();
        var next = tick;
        while (!_isStopping)
        {
            lock (_turns)
            {
                while (!_isStopping && clock.Elapsed < next && node.RunTurn())
                {
                }
            }

            if (clock.Elapsed < next)
            {
                _work.WaitOne(next - clock.Elapsed is { Ticks: > 0 } left ? left : TimeSpan.Zero);
                continue;
            }

            // After a pause (a stopped process, a long collection) time is not made up for: a burst of ticks would look
            // like an election timeout although nobody was silent.
            lock (_turns)
            {
                node.Tick();
                next = next + tick < clock.Elapsed ? clock.Elapsed + tick : next + tick;
                node.RunTurn();
            }
        }
    }

    /// <returns>False: the loop has to go on.</returns>
    private bool TryRunTurn()
    {
        if (_node is not { IsQuiet: true } node || _turns.IsHeldByCurrentThread || !_turns.TryEnter())
        {
            return false;
        }

        try
        {
            // The second finds nothing, usually: then the next input wakes the loop again.
            return _isStopping || !node.RunTurn() || !node.RunTurn();
        }
        finally
        {
            _turns.Exit();
        }
    }
}
