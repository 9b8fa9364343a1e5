using System.Diagnostics.CodeAnalysis;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>
/// The watches of one client, and the answers that wait for it. One caller at a time takes answers and catches up; all else may
/// be called from any thread.
/// </summary>
public sealed class WatchChannel : IDisposable
{
    private const string RangeIsEmpty = "mvcc: watcher range is empty";
    private const string DuplicateId = "mvcc: duplicate watch ID provided on the WatchStream";
    private const string TooMany = "etcdserver: too many requests";

    private readonly WatchHub _hub;
    private readonly Lock _queueing = new();
    private readonly Queue<WatchAnswer> _queue = new();
    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly HashSet<Watcher> _behind = [];
    private readonly List<Watcher> _staged = [];
    private long _stagedBytes;
    private long _queuedBytes;
    private long _takenBytes;
    private long _nextId;
    private bool _progressWanted;
    private bool _disposed;

    internal WatchChannel(WatchHub hub, Action wake) => (_hub, Wake) = (hub, wake);

    internal Action Wake { get; }

    /// <summary>Under the gate.</summary>
    internal int WatchersBehind => _behind.Count;

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
            _behind.Remove(watcher);
            _hub.Forget(watcher);
            using var view = _hub.Store.OpenView();
            Enqueue(new() { WatchId = watchId, IsCanceled = true, Revision = view.Revision }, watcher);
            TryAnswerProgress();
        }
        Wake();
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
        Wake();
    }

    /// <summary>Tells each watch that wishes it, and was told nothing since the last time, how far it is.</summary>
    public void NotifyProgress()
    {
        lock (_hub.Gate)
        {
            foreach (var watcher in _watchers.Values)
            {
                if (!watcher.WantsProgress || !watcher.IsSynced) continue;
                if (!watcher.HadAnswer) Enqueue(new() { WatchId = watcher.Id, Revision = _hub.Dispatched }, watcher);
                watcher.HadAnswer = false;
            }
        }
        Wake();
    }

    /// <summary>The next answer for the client. Until the next call it counts as one that waits: take it when the one before is written.</summary>
    public bool TryTake([NotNullWhen(true)] out WatchAnswer? answer)
    {
        lock (_queueing)
        {
            CountQueued(-_takenBytes);
            _takenBytes = 0;
            if (!_queue.TryDequeue(out answer)) return false;
            _takenBytes = answer.EventBytes;
            answer.Close();
            return true;
        }
    }

    /// <summary>Answers that wait to be taken: whoever asks for more should take them first.</summary>
    public int Waiting
    {
        get
        {
            lock (_queueing) return _queue.Count;
        }
    }

    /// <summary>
    /// Reads a bounded piece of the past for those watches that need it, all of them in one pass.
    /// </summary>
    /// <returns>Whether it did anything: take what there is and call again. False: nobody is behind, or what waits must be taken first.</returns>
    public bool CatchUp()
    {
        List<Watcher> group;
        lock (_hub.Gate)
        {
            if (_behind.Count == 0 || IsFull) return false;
            group = [.. _behind];
        }
        using var view = _hub.Store.OpenView();
        if (EndCompacted(group, view.CompactedRevision) && group.Count == 0) return true;
        var readUpTo = new CatchUp(this, group, view, _hub.Limits, _hub.StreamBytesMax).Run();
        lock (_hub.Gate)
        {
            lock (_queueing) group.ForEach(EnqueueStaged);
            foreach (var watcher in group)
            {
                if (watcher.IsCanceled) continue;
                watcher.Next = Math.Max(watcher.Next, readUpTo + 1);
                if (readUpTo >= view.Revision && _hub.TrySync(watcher, readUpTo)) _behind.Remove(watcher);
            }
            TryAnswerProgress();
        }
        return true;
    }

    /// <summary>Ends all watches.</summary>
    public void Dispose()
    {
        lock (_hub.Gate)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (var watcher in _watchers.Values) _hub.Forget(watcher);
            _watchers.Clear();
            _behind.Clear();
            _hub.Forget(this);
            lock (_queueing)
            {
                _queue.Clear();
                CountQueued(-_queuedBytes);
                _takenBytes = 0;
            }
        }
    }

    /// <summary>
    /// Under the gate: an event for a synced watcher, seen in the queue after <see cref="Flush"/>. False: the client has not taken
    /// enough; but a revision that was begun is always taken whole.
    /// </summary>
    internal bool TryStage(Watcher watcher, EncodedEvent encoded)
    {
        if (watcher.Staged?.Revision != encoded.Revision)
        {
            if (Volatile.Read(ref _queuedBytes) + _stagedBytes > _hub.StreamBytesMax) return false;
            if (watcher.Staged is null) _staged.Add(watcher);
        }
        _stagedBytes += Stage(watcher, encoded);
        return true;
    }

    /// <summary>Under the gate: what was staged can be taken.</summary>
    internal void Flush()
    {
        lock (_queueing)
            foreach (var watcher in _staged) EnqueueStaged(watcher);
        _staged.Clear();
        _stagedBytes = 0;
        Wake();
    }

    /// <summary>Adds an event to what a watcher is told next; a large answer is ended where a revision ends.</summary>
    internal int Stage(Watcher watcher, EncodedEvent encoded)
    {
        if (watcher.Staged is { } staged && staged.Revision != encoded.Revision && staged.EventBytes > _hub.Limits.AnswerBytesMax)
            lock (_queueing) EnqueueStaged(watcher);
        return watcher.Stage(encoded);
    }

    /// <summary>Under the gate: the watcher has to read up on what it was not told.</summary>
    internal void MustCatchUp(Watcher watcher) => _behind.Add(watcher);

    /// <summary>Under the gate: from a revision on, events may have been lost on the way.</summary>
    internal void LoseEvents(long from)
    {
        foreach (var watcher in _watchers.Values)
        {
            if (!watcher.IsSynced) continue;
            watcher.Next = Math.Max(watcher.Next, from);
            _hub.Unsync(watcher);
            _behind.Add(watcher);
        }
    }

    /// <summary>Under the gate: answers if somebody asked and no watch is behind.</summary>
    private void TryAnswerProgress()
    {
        if (!_progressWanted || _behind.Count > 0) return;
        _progressWanted = false;
        lock (_queueing)
            foreach (var watcher in _watchers.Values) watcher.Open?.Close();
        Enqueue(new() { WatchId = WatchAnswer.NoWatch, Revision = _hub.Dispatched }, of: null);
    }

    private bool IsFull
    {
        get
        {
            lock (_queueing) return _queuedBytes > _hub.StreamBytesMax;
        }
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
        Enqueue(new() { WatchId = id, IsCreated = true, Revision = current }, watcher);
        if (watcher.Next <= current || !_hub.TrySync(watcher, current)) _behind.Add(watcher);
    }

    private void Refuse(string reason, long current) =>
        Enqueue(new() { WatchId = WatchAnswer.NoWatch, IsCreated = true, IsCanceled = true, CancelReason = reason, Revision = current }, of: null);

    /// <summary>Ends, and takes out of the group, those that ask for what is compacted.</summary>
    /// <returns>Whether there were any.</returns>
    private bool EndCompacted(List<Watcher> group, long compacted)
    {
        var ended = group.FindAll(watcher => watcher.IsCanceled || (compacted > 0 && watcher.Next < compacted));
        if (ended.Count == 0) return false;
        lock (_hub.Gate)
        {
            foreach (var watcher in ended)
            {
                group.Remove(watcher);
                _behind.Remove(watcher);
                if (!_watchers.Remove(watcher.Id)) continue;
                _hub.Forget(watcher);
                Enqueue(new() { WatchId = watcher.Id, IsCanceled = true, CompactRevision = compacted }, watcher);
            }
        }
        return true;
    }

    /// <summary>What comes later about the watch must not get into an answer that stands before this one.</summary>
    private void Enqueue(WatchAnswer answer, Watcher? of)
    {
        lock (_queueing)
        {
            of?.Open?.Close();
            answer.Close();
            _queue.Enqueue(answer);
        }
    }

    /// <summary>Under the queue's lock. An answer that nobody has taken yet grows instead.</summary>
    private void EnqueueStaged(Watcher watcher)
    {
        if (watcher.Staged is not { } staged) return;
        watcher.Staged = null;
        if (watcher.IsCanceled) return;
        watcher.HadAnswer = true;
        CountQueued(staged.EventBytes);
        if (watcher.Open is { IsClosed: false } open && open.EventBytes + staged.EventBytes <= _hub.Limits.AnswerBytesMax)
        {
            open.Append(staged);
        }
        else
        {
            _queue.Enqueue(staged);
            watcher.Open = staged;
        }
    }

    /// <summary>Under the queue's lock.</summary>
    private void CountQueued(long bytes)
    {
        _queuedBytes += bytes;
        if (bytes != 0) _hub.CountQueued(bytes);
    }
}
