using System.Diagnostics;

namespace Raft.Server.Membership;

/// <summary>
/// Gives the node its thread and its ticks. The thread is its own, so that neither busy requests nor a starved thread pool
/// delay a heartbeat.
/// </summary>
internal sealed class NodeLoop(TimeSpan tick) : IDisposable
{
    private readonly AutoResetEvent _work = new(initialState: false);
    private Thread? _thread;
    private volatile bool _isStopping;

    /// <summary>Lets the loop look for work; from any thread.</summary>
    public void Wake() => _work.Set();

    public void Start(Node.Node node)
    {
        _thread = new Thread(() => Run(node)) { Name = "raft", IsBackground = true, Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>Ends the loop and waits for its last turn.</summary>
    public void Dispose()
    {
        _isStopping = true;
        Wake();
        _thread?.Join();
        _work.Dispose();
    }

    private void Run(Node.Node node)
    {
        var clock = Stopwatch.StartNew();
        var next = tick;
        while (!_isStopping)
        {
            while (!_isStopping && clock.Elapsed < next && node.RunTurn())
            {
            }

            if (clock.Elapsed < next)
            {
                _work.WaitOne(next - clock.Elapsed is { Ticks: > 0 } left ? left : TimeSpan.Zero);
                continue;
            }

            // After a pause (a stopped process, a long collection) time is not made up for: a burst of ticks would look
            // like an election timeout although nobody was silent.
            node.Tick();
            next = next + tick < clock.Elapsed ? clock.Elapsed + tick : next + tick;
            node.RunTurn();
        }
    }
}
