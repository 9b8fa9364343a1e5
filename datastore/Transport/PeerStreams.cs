using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Raft.Transport;

/// <summary>
/// The receiving end of the streams that other members open. They come in on the port of the gRPC service: a connection that
/// begins with the preface of <see cref="PeerConnection"/> is a stream, any other goes on to HTTP/2.
/// </summary>
internal sealed class PeerStreams(PeerEndpoint endpoint, ILogger<PeerStreams> logger)
{
    private static readonly PeerOptions NotStarted = new() { ClusterId = 0, Self = default };

    // Up to here all versions of the preface are the same.
    private static ReadOnlySpan<byte> Protocol => PeerConnection.Preface[..5];

    /// <summary>Serves one connection until it ends.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        string? preface;
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, endpoint.Closed))
        {
            patience.CancelAfter(endpoint.Patience);
            try
            {
                preface = await ReadPrefaceAsync(connection.Transport.Input, patience.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or IOException)
            {
                return; // gone, or silent for too long
            }
        }

        if (preface is null)
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var address = connection.RemoteEndPoint?.ToString() ?? "";
        await ServeAsync(address, preface, options => new(connection.Transport.Input, connection.Transport.Output, connection.Abort, options))
            .ConfigureAwait(false);
    }

    /// <summary>Serves a stream that was accepted elsewhere, from behind its preface on, until it ends.</summary>
    public async Task ServeAsync(Socket socket)
    {
        var address = socket.RemoteEndPoint?.ToString() ?? "";
        await ServeAsync(address, PeerConnection.PrefaceText, options => PeerConnection.Over(new PeerSocketStream(socket), options))
            .ConfigureAwait(false);
    }

    private async Task ServeAsync(string address, string preface, Func<PeerOptions, PeerConnection> open)
    {
        var served = endpoint.Current;
        using var stream = open(served?.Options ?? NotStarted);
        using var aborting = endpoint.Closed.UnsafeRegister(static stream => ((PeerConnection)stream!).Abort(), stream);
        var reception = new PeerReception(stream, served, address, endpoint.Patience, logger);
        await reception.RunAsync(preface).ConfigureAwait(false);
    }

    /// <returns>The preface of whatever version; null: it is another protocol, of which nothing is consumed.</returns>
    private static async Task<string?> ReadPrefaceAsync(PipeReader input, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = read.Buffer;
            var isOther = !BeginsRight(buffer) || (read.IsCompleted && buffer.Length < PeerConnection.Preface.Length);
            if (!isOther && buffer.Length >= PeerConnection.Preface.Length)
            {
                var preface = buffer.Slice(0, PeerConnection.Preface.Length);
                var text = Encoding.Latin1.GetString(preface.ToArray());
                input.AdvanceTo(preface.End);
                return text;
            }

            input.AdvanceTo(buffer.Start, isOther ? buffer.Start : buffer.End);
            if (isOther)
            {
                return null;
            }
        }
    }

    private static bool BeginsRight(ReadOnlySequence<byte> buffer)
    {
        Span<byte> first = stackalloc byte[Protocol.Length];
        var length = (int)Math.Min(buffer.Length, first.Length);
        buffer.Slice(0, length).CopyTo(first);
        return first[..length].SequenceEqual(Protocol[..length]);
    }
}
