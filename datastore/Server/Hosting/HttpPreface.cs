using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Raft.Server.Hosting;

/// <summary>
/// Lets one port without TLS serve HTTP/2 (gRPC) and HTTP/1.1 (health, metrics), as etcd's client port does. An HTTP/2 client
/// begins with a fixed preface (RFC 9113, section 3.4). Kestrel takes the protocol of such a port from the features that a
/// TLS handshake leaves; where the preface is seen, this leaves the same.
/// </summary>
internal static class HttpPreface
{
    /// <summary>How long a connection may take to say what it speaks: whoever opens many and says nothing must not hold them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static ReadOnlySpan<byte> Start => "PRI "u8;

    public static async Task DetectAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, closing);
        patience.CancelAfter(Patience);
        var input = connection.Transport.Input;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                return; // gone, silent for too long, or this member stops: the connection is closed
            }

            var buffer = read.Buffer;
            var isDecided = buffer.Length >= Start.Length || read.IsCompleted || !Begins(buffer);
            if (isDecided && buffer.Length >= Start.Length && Begins(buffer))
            {
                var feature = new AgreedOnHttp2();
                connection.Features.Set<ITlsConnectionFeature>(feature);
                connection.Features.Set<ITlsApplicationProtocolFeature>(feature);
            }

            input.AdvanceTo(buffer.Start, isDecided ? buffer.Start : buffer.End);
            if (isDecided)
            {
                await next(connection);
                return;
            }
        }
    }

    private static bool Begins(ReadOnlySequence<byte> buffer)
    {
        Span<byte> first = stackalloc byte[Start.Length];
        var length = (int)Math.Min(buffer.Length, first.Length);
        buffer.Slice(0, length).CopyTo(first);
        return first[..length].SequenceEqual(Start[..length]);
    }

    private sealed class AgreedOnHttp2 : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
