using Raft.KeyValue.Watching;

namespace Raft.Server.Watching;

/// <summary>
/// Gives the watch hub two threads of its own: one tells what happens, the other reads up on the past. Finding a thousand watchers of an
/// event, or reading a million changes, then delays neither consensus nor requests, and the past not what happens.
/// </summary>
internal sealed class WatchLoop : IDisposable
{
    private readonly WatchHub _hub;
    private readonly Worker _telling;
    private readonly Worker _reading;

    public WatchLoop(WatchHub hub)
    {
        _hub = hub;
        _telling = new Worker("watch", () =>
        {
            hub.Dispatch();
            return false;
        });
        _reading = new Worker("watch history", hub.CatchUp);
        (hub.Wake, hub.WakeReader) = (_telling.Wake, _reading.Wake);
    }

    /// <summary>Ends the loops. The hub's writer must have stopped before.</summary>
    public void Dispose()
    {
        // A client that is still connected may take what waits for it.
        (_hub.Wake, _hub.WakeReader) = (static () => { }, static () => { });
        _telling.Dispose();
        _reading.Dispose();
    }

    /// <summary>A thread that works while there is something to do, and whenever it is woken.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly AutoResetEvent _work = new(initialState: true);
        private readonly Thread _thread;
        private volatile bool _isStopping;

        /// <param name="name">The thread's.</param>
        /// <param name="work">Tells whether there is more to do.</param>
        public Worker(string name, Func<bool> work)
        {
            _thread = new Thread(() => Run(work)) { Name = name, IsBackground = true };
            _thread.Start();
        }

        public void Wake() => _work.Set();

        public void Dispose()
        {
            _isStopping = true;
            _work.Set();
            _thread.Join();
            _work.Dispose();
        }

        private void Run(Func<bool> work)
        {
            while (!_isStopping)
            {
                if (!work())
                {
                    _work.WaitOne();
                }
            }
        }
    }
}
