using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Google.Protobuf;
using Grpc.Core;
using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>Opens connections to other members' peer URLs, over TLS for https.</summary>
internal static class PeerDialer
{
    /// <summary>Connects, and makes sure that who answers is who it should be and takes what this member sends.</summary>
    /// <exception cref="RpcException">The other side refuses this member.</exception>
    /// <exception cref="InvalidDataException">It is someone else.</exception>
    public static async Task<PeerConnection> OpenAsync(string url, MemberId expected, PeerOptions options, CancellationToken cancellation)
    {
        var stream = await ConnectAsync(new Uri(url), options, cancellation).ConfigureAwait(false);
        var connection = PeerConnection.Over(stream, options);
        var isOpen = false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.ConnectTimeout * 2);
        try
        {
            using var aborting = limit.Token.UnsafeRegister(static connection => ((PeerConnection)connection!).Abort(), connection);
            var hello = new PeerFrame { ClusterId = options.ClusterId, From = options.Self.Value, To = expected.Value };
            await connection.WriteAsync(hello, withPreface: true).ConfigureAwait(false);
            PeerHandshake.CheckAnswer(await ReadAnswerAsync(connection).ConfigureAwait(false), expected, options);
            isOpen = true;
            return connection;
        }
        catch (Exception) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException("there was a connection, and then no answer");
        }
        finally
        {
            if (!isOpen)
            {
                connection.Dispose();
            }
        }
    }

    /// <summary>Whether the machine at the URL answered that nothing listens there.</summary>
    public static bool IsConnectionRefused(Exception error) => error is SocketException { SocketErrorCode: SocketError.ConnectionRefused };

    /// <summary>Whether the error is one that a connection, or the way to one, may end with.</summary>
    public static bool IsExpected(Exception error) => error is RpcException or IOException or SocketException or AuthenticationException
        or OperationCanceledException or TimeoutException or InvalidDataException or UriFormatException or ObjectDisposedException
        or ArgumentException;

    /// <summary>What went wrong, for people.</summary>
    public static string Explain(Exception error, string url) => error is RpcException refusal
        ? PeerChannel.Explain(refusal, url)
        : $"{url}: {error.Message}";

    private static async Task<PeerReply?> ReadAnswerAsync(PeerConnection connection)
    {
        try
        {
            return await connection.ReadAsync(PeerReply.Parser, PeerHandshake.FrameBytesMax).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            throw new InvalidDataException("what answers there is no peer", error);
        }
    }

    private static async Task<Stream> ConnectAsync(Uri url, PeerOptions options, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.ConnectTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(url.IdnHost, url.Port, limit.Token).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (url.Scheme == Uri.UriSchemeHttps)
            {
                var tls = options.ClientTls();
                tls.TargetHost = url.IdnHost;
                var secured = new SslStream(stream);
                stream = secured;
                await secured.AuthenticateAsClientAsync(tls, limit.Token).ConfigureAwait(false);
            }

            return stream;
        }
        catch (Exception error)
        {
            socket.Dispose();
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            if (error is OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                throw new TimeoutException($"no connection within {options.ConnectTimeout.TotalSeconds} s", error);
            }

            throw;
        }
    }
}
