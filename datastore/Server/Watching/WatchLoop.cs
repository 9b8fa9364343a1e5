using Raft.KeyValue.Watching;

namespace Raft.Server.Watching;

/// <summary>
/// Gives the watch hub a thread of its own: finding a thousand watchers of an event then delays neither consensus nor requests.
/// </summary>
internal sealed class WatchLoop : IDisposable
{
    private readonly AutoResetEvent _work = new(initialState: false);
    private readonly Thread _thread;
    private volatile bool _isStopping;

    public WatchLoop(WatchHub hub)
    {
        hub.Wake = () => _work.Set();
        _thread = new Thread(() => Run(hub)) { Name = "watch", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Ends the loop. The hub's writer must have stopped before.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _work.Set();
        _thread.Join();
        _work.Dispose();
    }

    private void Run(WatchHub hub)
    {
        while (!_isStopping)
        {
            hub.Dispatch();
            _work.WaitOne();
        }
    }
}
