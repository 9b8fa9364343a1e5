using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>
/// Tells watchers what changes (etcd's Watch). The writer only leaves its events here; whoever drives the hub calls
/// <see cref="Dispatch"/>, which finds the watchers of each event and puts it into their streams. A watcher is synced if it gets
/// events in this way; one that asks for the past, or whose stream is read too slowly, is behind: <see cref="CatchUp"/> reads up on
/// them in the store, for all who are behind together, so that no client costs more memory than its stream may hold.
/// </summary>
/// <remarks>It has no threads of its own: the server gives it one for each of the two, the simulator steps it.</remarks>
public sealed class WatchHub
{
    private readonly Lock _publishing = new();
    private readonly Lock _gate = new();
    private readonly WatchIndex _index = new();
    private readonly List<Watcher> _found = [];
    private readonly HashSet<WatchChannel> _streams = [];
    private readonly HashSet<WatchChannel> _told = [];
    private readonly Cohorts _cohorts;
    private List<(IReadOnlyList<StoreEvent> Events, long Revision)> _published = [];
    private long _publishedBytes;
    private bool _lostEvents;
    private long _dispatched;
    private int _watchers;
    private long _watchedBytes;
    private long _queuedBytes;

    /// <param name="store">Where the past is read.</param>
    /// <param name="limits">Bounds.</param>
    public WatchHub(KeyValueStore store, WatchLimits limits)
    {
        (Store, Limits, _dispatched) = (store, limits, store.Revision);
        _cohorts = new Cohorts(this);
    }

    /// <summary>Called, from any thread, when there is something to <see cref="Dispatch"/>.</summary>
    public Action Wake { get; set; } = static () => { };

    /// <summary>Called, from any thread, when there is something to <see cref="CatchUp"/> on.</summary>
    public Action WakeReader { get; set; } = static () => { };

    /// <summary>Open watches.</summary>
    public int Watchers => Volatile.Read(ref _watchers);

    /// <summary>Events put into streams since the start.</summary>
    public long EventsSent { get; private set; }

    /// <summary>Open watches that read up on the past.</summary>
    public int WatchersBehind
    {
        get
        {
            lock (_gate) return _streams.Sum(static stream => stream.WatchersBehind);
        }
    }

    /// <summary>Open streams.</summary>
    public int Streams
    {
        get
        {
            lock (_gate) return _streams.Count;
        }
    }

    /// <summary>Bytes of events that wait on all streams; those that several streams share count for each.</summary>
    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    internal KeyValueStore Store { get; }

    internal WatchLimits Limits { get; }

    /// <summary>Bytes that may wait on one stream, as things are.</summary>
    internal int StreamBytesMax =>
        QueuedBytes > Limits.QueuedBytesMax ? Math.Min(Limits.ScarceStreamBytesMax, Limits.StreamBytesMax) : Limits.StreamBytesMax;

    internal Lock Gate => _gate;

    /// <summary>Who is behind.</summary>
    internal Cohorts Cohorts => _cohorts;

    /// <summary>What all synced watchers have been told of. Under the gate.</summary>
    internal long Dispatched => _dispatched;

    /// <summary>A stream on which a client may open watches. Dispose of it when the client is gone.</summary>
    /// <param name="wake">Called, from any thread, when there is something to take.</param>
    public WatchChannel OpenChannel(Action wake)
    {
        var stream = new WatchChannel(this, wake);
        lock (_gate) _streams.Add(stream);
        return stream;
    }

    /// <summary>The writer has committed. Costs next to nothing as long as nobody watches.</summary>
    /// <param name="events">All changes of the commit, in order.</param>
    /// <param name="revision">The store's revision after it.</param>
    public void Publish(IReadOnlyList<StoreEvent> events, long revision)
    {
        lock (_publishing)
        {
            var isWatched = events.Count > 0 && Watchers > 0;
            foreach (var change in isWatched ? events : []) _publishedBytes += change.Pair.Length + change.Previous.Length;
            if (_publishedBytes > Limits.PublishedBytesMax) Lose();
            if (isWatched && !_lostEvents) _published.Add((events, revision));
            else if (_published.Count > 0 && _published[^1].Events.Count == 0) _published[^1] = ([], revision);
            else _published.Add(([], revision));
        }
        if (Watchers > 0) Wake();
    }

    /// <summary>The store's content was replaced by a snapshot: what happened in between was never published.</summary>
    public void Reloaded()
    {
        lock (_publishing)
        {
            Lose();
            _published.Add(([], Store.Revision));
        }
        Wake();
    }

    /// <summary>Gives what was published to those who watch it.</summary>
    public void Dispatch()
    {
        lock (_gate)
        {
            List<(IReadOnlyList<StoreEvent> Events, long Revision)> published;
            lock (_publishing)
            {
                if (_published.Count == 0) return;
                (published, _published) = (_published, []);
                _publishedBytes = 0;
                if (_lostEvents) SendAllToHistory();
                _lostEvents = false;
            }
            foreach (var (events, revision) in published)
            {
                foreach (var change in events) Tell(change);
                _dispatched = Math.Max(_dispatched, revision);
            }
            foreach (var stream in _told) stream.Flush(stream.Present);
            _told.Clear();
        }
    }

    /// <summary>
    /// Reads a bounded piece of the past for watchers that are behind. One caller at a time; nobody else is held up by it, nor by one
    /// watcher whose client takes nothing.
    /// </summary>
    /// <returns>Whether there was anything to read: call again.</returns>
    public bool CatchUp() => _cohorts.Step();

    /// <summary>Events wait on a stream, or no longer do (below 0).</summary>
    internal void CountQueued(long bytes) => Interlocked.Add(ref _queuedBytes, bytes);

    /// <summary>
    /// Makes a watcher known. False: there are too many, or what they watch takes too much. Before it reads anything: so it misses
    /// nothing.
    /// </summary>
    internal bool TryCount(WatchedRange range)
    {
        var bytes = Interlocked.Add(ref _watchedBytes, range.Bytes);
        if (Interlocked.Increment(ref _watchers) <= Limits.WatchersMax && bytes <= Limits.WatchedBytesMax) return true;
        Uncount(range);
        return false;
    }

    /// <summary>A watcher that was counted is gone, or never came to be.</summary>
    internal void Uncount(WatchedRange range)
    {
        Interlocked.Decrement(ref _watchers);
        Interlocked.Add(ref _watchedBytes, -range.Bytes);
    }

    /// <summary>Under the gate: the watcher has had everything up to a revision. True: from now on it is told as it happens.</summary>
    internal bool TrySync(Watcher watcher, long upTo)
    {
        if (_dispatched > upTo && _dispatched >= watcher.Next) return false;
        watcher.IsSynced = true;
        _index.Add(watcher);
        return true;
    }

    /// <summary>Under the gate: the watcher is told nothing more as it happens.</summary>
    internal void Unsync(Watcher watcher)
    {
        if (!watcher.IsSynced) return;
        watcher.IsSynced = false;
        _index.Remove(watcher);
    }

    /// <summary>Under the gate: the watcher is gone.</summary>
    internal void Forget(Watcher watcher)
    {
        Unsync(watcher);
        _cohorts.Remove(watcher);
        watcher.IsCanceled = true;
        Uncount(watcher.Range);
    }

    /// <summary>Under the gate: the stream is gone.</summary>
    internal void Forget(WatchChannel stream) => _streams.Remove(stream);

    private void Tell(StoreEvent change)
    {
        _index.Find(change.Key, _found);
        if (_found.Count == 0) return;
        var encoded = new EncodedEvent(change);
        var isDelete = change.Type == Event.Types.EventType.Delete;
        foreach (var watcher in _found)
        {
            if (change.Revision < watcher.Next || !watcher.Wants(isDelete)) continue;
            _told.Add(watcher.Stream);
            if (watcher.Stream.Present.TryAdd(watcher, encoded))
            {
                EventsSent++;
            }
            else
            {
                watcher.Next = change.Revision;
                Unsync(watcher);
                watcher.Stream.MustCatchUp(watcher);
            }
        }
        _found.Clear();
    }

    private void SendAllToHistory()
    {
        foreach (var stream in _streams) stream.LoseEvents(_dispatched + 1);
    }

    private void Lose()
    {
        _published.Clear();
        _publishedBytes = 0;
        _lostEvents = true;
    }
}
