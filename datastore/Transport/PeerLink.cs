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
        try
        {
            using var connection = await PeerDialer.OpenAsync(url, _peer, _options, _stop.Token).ConfigureAwait(false);
            using var aborting = _stop.Token.UnsafeRegister(static connection => ((PeerConnection)connection!).Abort(), connection);
            Connected(url);
            var since = Stopwatch.GetTimestamp();
            try
            {
                await connection.RunAsync(stopped => SendAsync(connection, stopped), () => ReceiveAsync(connection)).ConfigureAwait(false);
                return $"{url}: the other side closed the stream";
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
        catch (Exception error)
        {
            // Whatever it was, the link has to be tried again: without it the other member hears nothing any more.
            if (error is RpcException { StatusCode: StatusCode.PermissionDenied } && !_stop.IsCancellationRequested)
            {
                _inbox.RefusedAsRemoved(_peer);
            }

            if (error is not UriFormatException)
            {
                _refusals = PeerDialer.IsConnectionRefused(error) ? _refusals + 1 : 0;
            }

            return PeerDialer.Explain(error, url);
        }
    }

    private async Task SendAsync(PeerConnection connection, CancellationToken cancellation)
    {
        var tag = TransportMetrics.To(_peer);
        while (await _queue.WaitAsync(cancellation).ConfigureAwait(false))
        {
            var frame = new PeerFrame();
            for (long bytes = 0; bytes < _options.FrameBytesMax && frame.Messages.Count < FrameMessagesMax
                && _queue.TryTake(out var message, out var size); bytes += size)
            {
                frame.Messages.Add(MessageMapping.ToWire(message!));
            }

            TransportMetrics.SentBytes.Add(await connection.WriteAsync(frame).ConfigureAwait(false), tag);
        }
    }

    /// <summary>Messages have no answers: what comes is why the other side takes no more.</summary>
    private static async Task ReceiveAsync(PeerConnection connection)
    {
        while (await connection.ReadAsync(PeerReply.Parser).ConfigureAwait(false) is { } reply)
        {
            PeerHandshake.ThrowIfRefused(reply);
        }
    }

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
