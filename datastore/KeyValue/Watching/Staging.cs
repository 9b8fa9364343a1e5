namespace Raft.KeyValue.Watching;

/// <summary>
/// Events for the watchers of one stream on their way into its queue, where they are seen in whole revisions only. What happens and
/// what is past is staged apart: different threads find it.
/// </summary>
internal sealed class Staging(AnswerQueue queue, WatchHub hub)
{
    private readonly List<Watcher> _watchers = [];

    /// <summary>Nothing is on its way.</summary>
    public bool IsEmpty => _watchers.Count == 0;

    /// <summary>Bytes of events that are not in the queue yet.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Adds an event to what a watcher is told next. False: the client has not taken enough; but a revision that was begun is always
    /// taken whole.
    /// </summary>
    public bool TryAdd(Watcher watcher, EncodedEvent encoded)
    {
        if (watcher.Staged is not { } staged)
        {
            if (IsFull) return false;
            _watchers.Add(watcher);
        }
        else if (staged.Revision != encoded.Revision)
        {
            if (IsFull) return false;
            if (staged.EventBytes > hub.Limits.AnswerBytesMax) Enqueue(watcher, staged);
        }
        Bytes += watcher.Stage(encoded);
        return true;
    }

    /// <summary>What was staged can be taken.</summary>
    public void Flush()
    {
        foreach (var watcher in _watchers) queue.EnqueueStaged(watcher);
        _watchers.Clear();
        Bytes = 0;
    }

    private bool IsFull => queue.Bytes + Bytes > hub.StreamBytesMax;

    /// <summary>A large answer ends where a revision does.</summary>
    private void Enqueue(Watcher watcher, WatchAnswer staged)
    {
        Bytes -= staged.EventBytes;
        queue.EnqueueStaged(watcher);
    }
}
