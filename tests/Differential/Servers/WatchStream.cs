using Grpc.Core;
using Raft.Differential.Tests.Comparison;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Servers;

/// <summary>
/// A stream of watchers at one server. What it says is kept by watcher, not by response: how events are grouped is the server's
/// choice. The caller uses it from one place at a time.
/// </summary>
internal sealed class WatchStream : IAsyncDisposable
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ProgressAfter = TimeSpan.FromMilliseconds(40);

    private readonly Lock _gate = new();
    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> _call;
    private readonly Masks _masks;
    private readonly Task _reading;

    private readonly List<List<string>> _watchers = [];
    private readonly Dictionary<long, List<string>> _live = [];
    private readonly Queue<long> _compacted = [];
    private TaskCompletionSource _news = NewNews();
    private Answer? _lastCreated;
    private long _progressRevision = -1;
    private string? _end;

    public WatchStream(Watch.WatchClient client, Metadata metadata, Masks masks)
    {
        _masks = masks;
        _call = client.Watch(metadata);
        _reading = ReadAsync();
    }

    /// <summary>The stream is over: nothing that is sent will be heard.</summary>
    public bool HasEnded => _end is not null;

    /// <summary>Creates a watcher.</summary>
    /// <returns>The response that says so, or that it was refused, or how the stream ended.</returns>
    public async Task<Answer> CreateAsync(WatchCreateRequest request)
    {
        lock (_gate) _lastCreated = null;
        await SendAsync(new WatchRequest { CreateRequest = request });
        return await UntilAsync(() => _lastCreated is not null || HasEnded, AnswerMax)
            ? _lastCreated ?? new Answer(null, StatusCode.Aborted, $"the stream ended: {_end}")
            : new Answer(null, StatusCode.DeadlineExceeded, "no answer to a watcher's creation");
    }

    /// <summary>Cancels a watcher and, if there is one of this id, waits until the server says so.</summary>
    public async Task<bool> CancelAsync(long id)
    {
        bool isLive;
        lock (_gate) isLive = _live.ContainsKey(id);
        await SendAsync(new WatchRequest { CancelRequest = new() { WatchId = id } });
        return !isLive || await UntilAsync(() => !_live.ContainsKey(id) || HasEnded, AnswerMax);
    }

    /// <summary>
    /// Asks for progress until it is told for at least this revision, which the server does when all watchers of the stream have
    /// been told everything up to it. Without watchers, there is nothing to tell.
    /// </summary>
    public async Task<bool> ReachAsync(long revision)
    {
        lock (_gate) _progressRevision = -1;
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < AnswerMax)
        {
            await SendAsync(new WatchRequest { ProgressRequest = new() });
            if (await UntilAsync(() => _progressRevision >= revision || _live.Count == 0 || HasEnded, ProgressAfter)) return true;
        }

        return false;
    }

    /// <summary>All that each watcher was told, in the order of their creation, and how the stream ended if it did.</summary>
    public IReadOnlyList<string> Transcript()
    {
        lock (_gate)
        {
            return [.. _watchers.Select((said, at) => $"watcher {at}:\n      {string.Join("\n      ", said)}"), $"end: {_end ?? "none"}"];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _call.Dispose();
        await _reading;
    }

    /// <summary>
    /// etcd keeps a watcher that it canceled because of a compaction until its client cancels it too, as etcd's own client does;
    /// until then it tells no progress.
    /// </summary>
    private async Task SendAsync(WatchRequest request)
    {
        try
        {
            while (TakeCompacted() is { } id) await _call.RequestStream.WriteAsync(new() { CancelRequest = new() { WatchId = id } });
            await _call.RequestStream.WriteAsync(request);
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The stream is over; its reader says why.
            await _reading;
        }
    }

    private long? TakeCompacted()
    {
        lock (_gate) return _compacted.TryDequeue(out var id) ? id : null;
    }

    private async Task ReadAsync()
    {
        var end = "closed";
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                lock (_gate) Take(_call.ResponseStream.Current);
                Pulse();
            }
        }
        catch (RpcException error)
        {
            end = $"{error.StatusCode}: {error.Status.Detail}";
        }
        catch (ObjectDisposedException)
        {
            // Closed by us, between two responses.
        }

        lock (_gate) _end = end;
        Pulse();
    }

    private void Take(WatchResponse response)
    {
        _masks.HideOwn(response);
        if (response.Created)
        {
            _lastCreated = new Answer(response);
            _watchers.Add([]);
            if (!response.Canceled) _live[response.WatchId] = _watchers[^1];
        }
        else if (_live.TryGetValue(response.WatchId, out var watcher))
        {
            foreach (var each in response.Events) watcher.Add(MessageText.Of(each));
            if (!response.Canceled) return;
            // Which revision this is said at depends on when the server notices.
            response.Header = null;
            watcher.Add(MessageText.Of(response));
            _live.Remove(response.WatchId);
            if (response.CompactRevision != 0) _compacted.Enqueue(response.WatchId);
        }
        else if (response.WatchId == -1 && !response.Canceled && response.Events.Count == 0)
        {
            _progressRevision = response.Header.Revision;
        }
        else if (!response.Canceled)
        {
            _watchers.Add([$"out of place: {MessageText.Of(response)}"]);
        }
    }

    private async Task<bool> UntilAsync(Func<bool> condition, TimeSpan limit)
    {
        using var time = new CancellationTokenSource(limit);
        while (true)
        {
            Task news;
            lock (_gate)
            {
                if (condition()) return true;
                news = _news.Task;
            }

            await Task.WhenAny(news, Task.Delay(Timeout.InfiniteTimeSpan, time.Token));
            if (time.IsCancellationRequested) return false;
        }
    }

    private void Pulse()
    {
        TaskCompletionSource old;
        lock (_gate) (old, _news) = (_news, NewNews());
        old.SetResult();
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
