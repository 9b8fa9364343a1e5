using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Raft.Transport;

/// <summary>
/// Listens in Kestrel's place where members talk without TLS: streams of members are read by threads of their own (see
/// <see cref="PeerSocketStream"/>), all else is Kestrel's. The threads are bounded: beyond that Kestrel serves streams too.
/// </summary>
internal sealed class PeerListenerFactory(PeerStreams streams, IOptions<SocketTransportOptions> options, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly List<EndPoint> _endpoints = [];

    /// <summary>Listens there, once the server starts.</summary>
    public void Add(EndPoint endpoint) => _endpoints.Add(endpoint);

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => _endpoints.Exists(known => ReferenceEquals(known, endpoint));

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        socket.Listen(options.Value.Backlog);
        var kestrel = new SocketConnectionContextFactory(new(), loggers.CreateLogger<SocketConnectionContextFactory>());
        return new(new PeerListener(socket, streams, kestrel));
    }
}

/// <summary>One port on which members call.</summary>
internal sealed class PeerListener : IConnectionListener
{
    private const int ThreadsMax = 64;

    // Whoever opens a stream says so at once.
    private static readonly TimeSpan PrefaceWait = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly PeerStreams _streams;
    private readonly SocketConnectionContextFactory _kestrel;
    private readonly Channel<ConnectionContext> _others = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Task _accepting;
    private int _threads;

    public PeerListener(Socket socket, PeerStreams streams, SocketConnectionContextFactory kestrel)
    {
        (_socket, _streams, _kestrel, EndPoint) = (socket, streams, kestrel, socket.LocalEndPoint!);
        _accepting = AcceptAllAsync();
    }

    /// <inheritdoc/>
    public EndPoint EndPoint { get; }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _others.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && _others.Reader.TryRead(out var other) ? other : null;

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        _kestrel.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _socket.AcceptAsync().ConfigureAwait(false);
                socket.NoDelay = true;
                Take(socket);
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                _others.Writer.TryComplete();
                return;
            }
            catch (SocketException)
            {
                // One connection was gone before it was taken, or this process has too many.
                await Task.Delay(10).ConfigureAwait(false);
            }
        }
    }

    private void Take(Socket socket)
    {
        if (Interlocked.Increment(ref _threads) > ThreadsMax)
        {
            Interlocked.Decrement(ref _threads);
            LeaveToKestrel(socket);
            return;
        }

        new Thread(() => Sort(socket)) { IsBackground = true, Name = "peer" }.Start();
    }

    private void Sort(Socket socket)
    {
        try
        {
            if (IsStream(socket))
            {
                _ = ServeAsync(socket);
                return;
            }

            LeaveToKestrel(socket);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            socket.Dispose(); // the connection is gone, or this member stops
        }

        Interlocked.Decrement(ref _threads);
    }

    /// <summary>Whether it begins with the whole preface, which is then consumed.</summary>
    private static bool IsStream(Socket socket)
    {
        Span<byte> first = stackalloc byte[PeerConnection.Preface.Length];
        return socket.Poll(PrefaceWait, SelectMode.SelectRead)
            && socket.Receive(first, SocketFlags.Peek) == first.Length
            && first.SequenceEqual(PeerConnection.Preface)
            && socket.Receive(first) == first.Length;
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await _streams.ServeAsync(socket).ConfigureAwait(false);
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref _threads);
        }
    }

    private void LeaveToKestrel(Socket socket)
    {
        if (!_others.Writer.TryWrite(_kestrel.Create(socket)))
        {
            socket.Dispose();
        }
    }
}
