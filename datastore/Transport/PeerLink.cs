using System.Diagnostics;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>
/// One lane to one member: a queue, and a loop that keeps a stream open and drains the queue into frames. A member has two
/// lanes, each with a connection of its own: one for what must be quick (heartbeats, votes, answers) and one for appends,
/// which would hold the others up.
/// </summary>
internal sealed class PeerLink : IAsyncDisposable
{
    private const int FrameMessagesMax = 256;

    private readonly MemberId _peer;
    private readonly string _lane;
    private readonly PeerOptions _options;
    private readonly IPeerInbox _inbox;
    private readonly ILogger _logger;
    private readonly MessageQueue _queue;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile bool _connected;
    private string[] _urls;
    private string? _lastError;
    private int _refusals;

    public PeerLink(MemberId peer, string lane, IReadOnlyList<string> urls, PeerOptions options, IPeerInbox inbox, ILogger logger)
    {
        (_peer, _lane, _options, _inbox, _logger) = (peer, lane, options, inbox, logger);
        _urls = [.. urls];
        _queue = new(options.QueuedMessagesMax, options.QueuedBytesMax);
        _backoff = new(options.BackoffMin, options.BackoffMax);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Whether a stream stands.</summary>
    public bool IsConnected => _connected;

    public void UseUrls(IReadOnlyList<string> urls)
    {
        Volatile.Write(ref _urls, [.. urls]);
        _backoff.Hurry();
    }

    /// <summary>The other member called: it is there.</summary>
    public void Hurry()
    {
        if (!_connected)
        {
            _backoff.Hurry();
        }
    }

    public void Send(Message message)
    {
        if (!_queue.TryAdd(message))
        {
            TransportMetrics.SendFailures.Add(1, TransportMetrics.To(_peer));
            _inbox.Unreachable(_peer);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _backoff.Dispose();
    }

    private async Task RunAsync()
    {
        for (var attempt = 0; !_stop.IsCancellationRequested; attempt++)
        {
            var urls = Volatile.Read(ref _urls);
            var error = urls.Length == 0
                ? "no peer URL is known"
                : await StreamUntilItBreaksAsync(urls[attempt % urls.Length]).ConfigureAwait(false);
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            // What waited meanwhile is stale; Raft sends again what matters.
            TransportMetrics.SendFailures.Add(_queue.Clear(), TransportMetrics.To(_peer));
            _inbox.Unreachable(_peer);
            if (_refusals >= urls.Length && urls.Length > 0)
            {
                _inbox.ConnectionRefused(_peer);
            }

            if (error != _lastError)
            {
                _lastError = error;
                PeerLog.Lost(_logger, _peer, _lane, error);
            }

            try
            {
                await _backoff.PauseAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Connects, sends until something breaks, and says what it was.</summary>
    private async Task<string> StreamUntilItBreaksAsync(string url)
    {
        // Ends the stream when this member stops or when the other side ends it.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        try
        {
            using var channel = PeerChannel.Open(url, _options);
            using var call = new Peer.PeerClient(channel).Messages(cancellationToken: ended.Token);
            await call.RequestStream.WriteAsync(Head(), ended.Token).ConfigureAwait(false);
            if (!await PeerHandshake.CheckAsync(call.ResponseHeadersAsync, _peer, _options, ended.Token).ConfigureAwait(false))
            {
                await call.ResponseAsync.ConfigureAwait(false);
                return $"{url}: what answers there is no peer";
            }

            Connected(url);
            var since = Stopwatch.GetTimestamp();
            try
            {
                var sending = SendAsync(call.RequestStream, ended.Token);
                await Task.WhenAny(sending, call.ResponseAsync).ConfigureAwait(false);
                await ended.CancelAsync().ConfigureAwait(false);
                await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await call.ResponseAsync.ConfigureAwait(false);
                return "the other side closed the stream";
            }
            finally
            {
                Disconnected();

                // One that is ended as soon as it stands, as a removed member's is, is no success.
                if (Stopwatch.GetElapsedTime(since) > _options.BackoffMax)
                {
                    _backoff.Succeeded();
                }
            }
        }
        catch (RpcException error)
        {
            if (error.StatusCode == StatusCode.PermissionDenied && !_stop.IsCancellationRequested)
            {
                _inbox.RefusedAsRemoved(_peer);
            }

            _refusals = PeerChannel.IsConnectionRefused(error) ? _refusals + 1 : 0;
            return PeerChannel.Explain(error, url);
        }
        catch (Exception error) when (error is OperationCanceledException or TimeoutException or InvalidDataException
            or HttpRequestException or UriFormatException or IOException or InvalidOperationException)
        {
            return $"{url}: {error.Message}";
        }
    }

    private async Task SendAsync(IClientStreamWriter<PeerFrame> stream, CancellationToken cancellation)
    {
        while (await _queue.WaitAsync(cancellation).ConfigureAwait(false))
        {
            var frame = NewFrame();
            for (long bytes = 0; bytes < _options.FrameBytesMax && frame.Messages.Count < FrameMessagesMax
                && _queue.TryTake(out var message, out var size); bytes += size)
            {
                frame.Messages.Add(MessageMapping.ToWire(message!));
            }

            var total = frame.CalculateSize();
            await stream.WriteAsync(frame, cancellation).ConfigureAwait(false);
            TransportMetrics.SentBytes.Add(total, TransportMetrics.To(_peer));
        }
    }

    private PeerFrame Head() => NewFrame();

    private PeerFrame NewFrame() => new() { ClusterId = _options.ClusterId, From = _options.Self.Value, To = _peer.Value };

    private void Connected(string url)
    {
        _connected = true;
        _lastError = null;
        TransportMetrics.ActivePeers.Add(1, TransportMetrics.To(_peer));
        PeerLog.Connected(_logger, _peer, _lane, url);
    }

    private void Disconnected()
    {
        _connected = false;
        TransportMetrics.ActivePeers.Add(-1, TransportMetrics.To(_peer));
    }
}
