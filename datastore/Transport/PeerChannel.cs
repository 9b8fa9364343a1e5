using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace Raft.Transport;

/// <summary>Connections to a peer URL: HTTP/2, over TLS for https, with prior knowledge for http.</summary>
internal static class PeerChannel
{
    public static GrpcChannel Open(string url, PeerOptions options)
    {
        var handler = options.CreateHandler();
        handler.ConnectTimeout = options.ConnectTimeout;
        handler.KeepAlivePingDelay = options.KeepAliveDelay;
        handler.KeepAlivePingTimeout = options.KeepAliveTimeout;
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always;
        handler.PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan;
        handler.EnableMultipleHttp2Connections = true; // more calls at once than the server's limit for one
        handler.UseProxy = false;
        handler.AllowAutoRedirect = false;
        return GrpcChannel.ForAddress(url, new()
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.ReceivedFrameBytesMax,
            MaxSendMessageSize = null,
            MaxRetryAttempts = 1,
            InitialReconnectBackoff = options.BackoffMin,
            MaxReconnectBackoff = options.BackoffMax,
        });
    }

    /// <summary>What went wrong, for people: the cause rather than the wrapping.</summary>
    public static string Explain(RpcException error, string url)
    {
        var cause = CauseOf(error);
        return error.StatusCode is StatusCode.Unavailable or StatusCode.Internal && cause is not null
            ? $"{url}: {cause.Message}"
            : $"{url}: {error.Status.Detail} ({error.StatusCode})";
    }

    /// <summary>Whether the machine at the URL answered that nothing listens there.</summary>
    public static bool IsConnectionRefused(RpcException error) =>
        CauseOf(error) is SocketException { SocketErrorCode: SocketError.ConnectionRefused };

    private static Exception? CauseOf(RpcException error)
    {
        var cause = error.Status.DebugException;
        while (cause?.InnerException is { } inner)
        {
            cause = inner;
        }

        return cause;
    }
}
