using Grpc.Core;
using Grpc.Net.Client;

namespace Raft.Transport;

/// <summary>
/// Connections to a peer URL for the calls of the gRPC service: HTTP/2, over TLS for https, with prior knowledge for http.
/// </summary>
internal static class PeerChannel
{
    public static GrpcChannel Open(string url, PeerOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = options.ClientTls(),
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = options.KeepAliveDelay,
            KeepAlivePingTimeout = options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
        };
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
