using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>
/// The watches of one client, and the answers that wait for it. One caller at a time takes answers; all else may be called from any
/// thread.
/// </summary>
public sealed class WatchChannel : IDisposable
{
    private const string RangeIsEmpty = "mvcc: watcher range is empty";
    private const string DuplicateId = "mvcc: duplicate watch ID provided on the WatchStream";
    private const string TooMany = "etcdserver: too many requests";

    private readonly WatchHub _hub;
    private readonly AnswerQueue _queue;
    private readonly Dictionary<long, Watcher> _watchers = [];

    /// <summary>Watchers that are behind and read up on nothing until the client has taken enough.</summary>
    private readonly HashSet<Watcher> _awaitRoom = [];

    private int _behind;
    private long _nextId;
    private bool _progressWanted;
    private bool _disposed;
    private volatile ExceptionDispatchInfo? _damage;

    internal WatchChannel(WatchHub hub, Action wake)
    {
        (_hub, Wake, _queue) = (hub, wake, new AnswerQueue(hub));
        (Present, Past) = (new Staging(_queue, hub), new Staging(_queue, hub));
    }

    internal Action Wake { get; }

    /// <summary>Under the gate: what happens, for the watchers that are synced.</summary>
    internal Staging Present { get; }

    /// <summary>What the reader of the past has found for the watchers that are behind.</summary>
    internal Staging Past { get; }

    /// <summary>Under the gate.</summary>
    internal int WatchersBehind => _behind;

    /// <summary>Opens a watch, or says in the stream why not, as etcd does.</summary>
    public void Create(WatchCreateRequest request)
    {
        var range = WatchedRange.Of(request.Key, request.RangeEnd);
        lock (_hub.Gate)
        {
            if (_disposed) return;

            // Before it looks at the state: what is committed after that is then published, also if nobody watched until now.
            var isCounted = _hub.TryCount(range);
            using var view = _hub.Store.OpenView();
            var refusal = range.IsEmpty ? RangeIsEmpty
                : request.WatchId != 0 && _watchers.ContainsKey(request.WatchId) ? DuplicateId
                : !isCounted || _watchers.Count >= _hub.Limits.StreamWatchersMax ? TooMany
                : null;
            if (refusal is null) Open(request, range, view.Revision);
            else Refuse(refusal, view.Revision);
            if (refusal is not null && isCounted) _hub.Uncount(range);
        }
        _hub.Wake();
        Wake();
    }

    /// <summary>Says in the stream that a watch is not opened.</summary>
    /// <param name="reason">Why, for the client.</param>
    public void Refuse(string reason)
    {
        lock (_hub.Gate)
        {
            using var view = _hub.Store.OpenView();
            Refuse(reason, view.Revision);
        }
        Wake();
    }

    /// <summary>Ends a watch; one that is not there is passed over, as etcd does.</summary>
    public void Cancel(long watchId)
    {
        lock (_hub.Gate)
        {
            if (!_watchers.Remove(watchId, out var watcher)) return;
            End(watcher);
            using var view = _hub.Store.OpenView();
            _queue.Enqueue(new() { WatchId = watchId, IsCanceled = true, Revision = view.Revision }, watcher);
            Wake();
            TryAnswerProgress();
        }
    }

    /// <summary>
    /// Asks for a notice, on <see cref="WatchAnswer.NoWatch"/>, of the revision up to which every watch of the stream has seen
    /// everything. It comes once none of them has to catch up any more.
    /// </summary>
    public void RequestProgress()
    {
        _hub.Dispatch();
        lock (_hub.Gate)
        {
            _progressWanted = _watchers.Count > 0;
            TryAnswerProgress();
        }
    }

    /// <summary>Tells each watch that wishes it, and was told nothing since the last time, how far it is.</summary>
    public void NotifyProgress()
    {
        lock (_hub.Gate)
        {
            foreach (var watcher in _watchers.Values)
            {
                if (!watcher.WantsProgress || !watcher.IsSynced) continue;
                if (!watcher.HadAnswer) _queue.Enqueue(new() { WatchId = watcher.Id, Revision = _hub.Dispatched }, watcher);
                watcher.HadAnswer = false;
            }
        }
        Wake();
    }

    /// <summary>The next answer for the client. Until the next call it counts as one that waits: take it when the one before is written.</summary>
    /// <exception cref="IOException">The past that a watch asks for cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public bool TryTake([NotNullWhen(true)] out WatchAnswer? answer)
    {
        var isTaken = _queue.TryTake(out answer, out var hasRoom);
        if (hasRoom) _hub.Cohorts.HasRoom(this);
        if (!isTaken) _damage?.Throw();
        return isTaken;
    }

    /// <summary>Answers that wait to be taken: whoever asks for more should take them first.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Ends all watches.</summary>
    public void Dispose()
    {
        lock (_hub.Gate)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (var watcher in _watchers.Values) End(watcher);
            _watchers.Clear();
            _hub.Forget(this);
            _queue.Clear();
        }
    }

    /// <summary>Under the gate: what was staged can be taken.</summary>
    internal void Flush(Staging staging)
    {
        staging.Flush();
        Wake();
    }

    /// <summary>Under the gate: the watcher has to read up on what it was not told.</summary>
    internal void MustCatchUp(Watcher watcher)
    {
        _behind++;
        AwaitRoom(watcher);
    }

    /// <summary>Under the gate: the watcher goes on reading up on the past once its client has taken enough.</summary>
    internal void AwaitRoom(Watcher watcher)
    {
        if (watcher.IsCanceled) return;
        if (_queue.AwaitRoom(Present.Bytes)) _awaitRoom.Add(watcher);
        else _hub.Cohorts.Add(watcher);
    }

    /// <summary>Under the gate: the client has taken enough.</summary>
    internal void TakeUp()
    {
        foreach (var watcher in _awaitRoom) _hub.Cohorts.Add(watcher);
        _awaitRoom.Clear();
    }

    /// <summary>Under the gate: a watcher that was behind is synced.</summary>
    internal void HasCaughtUp()
    {
        _behind--;
        TryAnswerProgress();
    }

    /// <summary>Under the gate: what a watcher asks for is compacted.</summary>
    internal void EndCompacted(Watcher watcher, long compacted)
    {
        if (!_watchers.Remove(watcher.Id)) return;
        End(watcher);
        _queue.Enqueue(new() { WatchId = watcher.Id, IsCanceled = true, CompactRevision = compacted }, watcher);
        if (_watchers.Count > 0) TryAnswerProgress();
        Wake();
    }

    /// <summary>Under the gate: the past cannot be read.</summary>
    internal void Break(Exception damage)
    {
        _damage = ExceptionDispatchInfo.Capture(damage);
        Wake();
    }

    /// <summary>Under the gate: from a revision on, events may have been lost on the way.</summary>
    internal void LoseEvents(long from)
    {
        foreach (var watcher in _watchers.Values)
        {
            if (!watcher.IsSynced) continue;
            watcher.Next = Math.Max(watcher.Next, from);
            _hub.Unsync(watcher);
            MustCatchUp(watcher);
        }
    }

    /// <summary>Under the gate: answers if somebody asked and no watch is behind.</summary>
    private void TryAnswerProgress()
    {
        if (!_progressWanted || _behind > 0) return;
        _progressWanted = false;
        _queue.CloseAnswersOf(_watchers.Values);
        _queue.Enqueue(new() { WatchId = WatchAnswer.NoWatch, Revision = _hub.Dispatched }, of: null);
        Wake();
    }

    private void Open(WatchCreateRequest request, WatchedRange range, long current)
    {
        var id = request.WatchId;
        if (id == 0)
        {
            while (_watchers.ContainsKey(_nextId)) _nextId++;
            id = _nextId++;
        }
        var watcher = new Watcher(id, range, request, this)
        {
            Next = request.StartRevision == 0 ? current + 1 : request.StartRevision,
        };
        _watchers.Add(id, watcher);
        _queue.Enqueue(new() { WatchId = id, IsCreated = true, Revision = current }, watcher);
        if (watcher.Next <= current || !_hub.TrySync(watcher, current)) MustCatchUp(watcher);
    }

    private void Refuse(string reason, long current) =>
        _queue.Enqueue(new() { WatchId = WatchAnswer.NoWatch, IsCreated = true, IsCanceled = true, CancelReason = reason, Revision = current }, of: null);

    private void End(Watcher watcher)
    {
        if (!watcher.IsSynced) _behind--;
        _awaitRoom.Remove(watcher);
        _hub.Forget(watcher);
    }
}
