namespace KubeOps.Operator.Queue;

/// <summary>
/// What is to be reconciled, and when. A key is in it once, however often it is asked for, at the earliest of the times asked
/// for. A key that is being worked on is not handed out again before <see cref="Done"/>.
/// </summary>
public sealed class WorkQueue<TKey>(TimeProvider time)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, DateTimeOffset> _due = [];
    private readonly HashSet<TKey> _running = [];
    // May hold outdated times; those in _due count.
    private readonly PriorityQueue<TKey, DateTimeOffset> _order = new();
    private TaskCompletionSource _earlier = NewSignal();
    private TaskCompletionSource? _idle;

    /// <summary>Keys that wait, due or not.</summary>
    public int Waiting
    {
        get { lock (_lock) return _due.Count; }
    }

    /// <summary>Asks for a key after a delay. If it is asked for already, the earlier time counts.</summary>
    public void Enqueue(TKey key, TimeSpan delay = default)
    {
        lock (_lock)
        {
            var due = time.GetUtcNow() + delay;
            if (_due.TryGetValue(key, out var known) && known <= due) return;
            _due[key] = due;
            if (_running.Contains(key)) return;
            _order.Enqueue(key, due);
            _earlier.TrySetResult();
        }
    }

    /// <summary>Waits for the next key that is due, and hands it out. For one reader at a time.</summary>
    public async Task<TKey> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task earlier;
            TimeSpan wait;
            lock (_lock)
            {
                if (TryTake(out var key, out wait)) return key;
                _earlier = NewSignal();
                earlier = _earlier.Task;
            }

            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(earlier, Task.Delay(wait, time, enough.Token)).ConfigureAwait(false);
            await enough.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The work on a key is over. What was asked for meanwhile comes now; null: nothing more is asked for.</summary>
    public void Done(TKey key, TimeSpan? again)
    {
        lock (_lock)
        {
            _running.Remove(key);
            if (_running.Count == 0) _idle?.TrySetResult();
            if (again is { } delay) Enqueue(key, delay);
            if (!_due.TryGetValue(key, out var due)) return;
            _order.Enqueue(key, due);
            _earlier.TrySetResult();
        }
    }

    /// <summary>Done once nothing is being worked on.</summary>
    public Task IdleAsync()
    {
        lock (_lock)
        {
            if (_running.Count == 0) return Task.CompletedTask;
            return (_idle = NewSignal()).Task;
        }
    }

    private bool TryTake(out TKey key, out TimeSpan wait)
    {
        while (_order.TryPeek(out key!, out var at))
        {
            if (!_due.TryGetValue(key, out var due) || due != at || _running.Contains(key))
            {
                _order.Dequeue();
                continue;
            }

            wait = due - time.GetUtcNow();
            if (wait > TimeSpan.Zero) return false;
            _order.Dequeue();
            _due.Remove(key);
            _running.Add(key);
            return true;
        }

        wait = Timeout.InfiniteTimeSpan;
        return false;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
