using System.Diagnostics.CodeAnalysis;

namespace Raft.KeyValue.Watching;

/// <summary>The answers that wait for one client. From any thread; one at a time takes.</summary>
internal sealed class AnswerQueue(WatchHub hub)
{
    private readonly Lock _queueing = new();
    private readonly Queue<WatchAnswer> _queue = new();
    private long _queuedBytes;
    private long _takenBytes;
    private bool _isRoomAwaited;

    /// <summary>Answers that wait to be taken.</summary>
    public int Count
    {
        get
        {
            lock (_queueing) return _queue.Count;
        }
    }

    /// <summary>Bytes of their events, and of those of the answer that was taken last.</summary>
    public long Bytes => Volatile.Read(ref _queuedBytes);

    /// <param name="answer">The next answer.</param>
    /// <param name="hasRoom">Somebody awaits room, and there is some.</param>
    public bool TryTake([NotNullWhen(true)] out WatchAnswer? answer, out bool hasRoom)
    {
        lock (_queueing)
        {
            CountQueued(-_takenBytes);
            _takenBytes = 0;
            if (_queue.TryDequeue(out answer))
            {
                _takenBytes = answer.EventBytes;
                answer.Close();
            }
            hasRoom = _isRoomAwaited && HasRoom(0);
            if (hasRoom) _isRoomAwaited = false;
            return answer is not null;
        }
    }

    /// <summary>From now on <see cref="TryTake"/> tells once when half of what may wait is gone.</summary>
    /// <param name="staged">Bytes that are about to come in.</param>
    /// <returns>False: there is room now.</returns>
    public bool AwaitRoom(long staged)
    {
        lock (_queueing)
        {
            if (HasRoom(staged)) return false;
            return _isRoomAwaited = true;
        }
    }

    /// <summary>What comes later about the watch must not get into an answer that stands before this one.</summary>
    public void Enqueue(WatchAnswer answer, Watcher? of)
    {
        lock (_queueing)
        {
            of?.Open?.Close();
            answer.Close();
            _queue.Enqueue(answer);
        }
    }

    /// <summary>What a watcher was to be told. An answer that nobody has taken yet grows instead.</summary>
    public void EnqueueStaged(Watcher watcher)
    {
        lock (_queueing)
        {
            if (watcher.Staged is not { } staged) return;
            watcher.Staged = null;
            if (watcher.IsCanceled) return;
            watcher.HadAnswer = true;
            CountQueued(staged.EventBytes);
            if (watcher.Open is { IsClosed: false } open && open.EventBytes + staged.EventBytes <= hub.Limits.AnswerBytesMax)
            {
                open.Append(staged);
            }
            else
            {
                _queue.Enqueue(staged);
                watcher.Open = staged;
            }
        }
    }

    /// <summary>Later answers do not get into those that wait.</summary>
    public void CloseAnswersOf(IEnumerable<Watcher> watchers)
    {
        lock (_queueing)
            foreach (var watcher in watchers) watcher.Open?.Close();
    }

    /// <summary>Nobody takes anything any more.</summary>
    public void Clear()
    {
        lock (_queueing)
        {
            _queue.Clear();
            CountQueued(-_queuedBytes);
            _takenBytes = 0;
        }
    }

    private bool HasRoom(long staged) => _queuedBytes + staged <= hub.StreamBytesMax / 2;

    private void CountQueued(long bytes)
    {
        _queuedBytes += bytes;
        if (bytes != 0) hub.CountQueued(bytes);
    }
}
