using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Raft.Operator.Planning;

namespace Raft.Operator.Effects.Members;

/// <summary>A connection to one member. It dials the pod's address, but asks for, and checks, the pod's name.</summary>
public sealed class MemberClient : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <summary>Prepares a connection; nothing is sent until the first call.</summary>
    /// <param name="host">DNS name that the member's certificate covers.</param>
    /// <param name="address">The pod's address: names of new pods take a while to resolve.</param>
    /// <param name="credentials">What to show and whom to trust; null for members without TLS.</param>
    public MemberClient(string host, string address, MemberCredentials? credentials)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            ConnectCallback = (_, token) => ConnectAsync(address, token),
        };
        if (credentials is not null)
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [credentials.Certificate],
                CertificateChainPolicy = credentials.Trust(),
            };
        _channel = GrpcChannel.ForAddress(
            $"{(credentials is null ? "http" : "https")}://{host}:{ClusterNames.ClientPort}",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        Bootstrap = new(_channel);
        Cluster = new(_channel);
        Maintenance = new(_channel);
    }

    /// <summary>Who the member is.</summary>
    public Protocol.V1.Bootstrap.BootstrapClient Bootstrap { get; }

    /// <summary>Who is in the cluster.</summary>
    public Protocol.Etcd.Cluster.ClusterClient Cluster { get; }

    /// <summary>How the member is.</summary>
    public Protocol.Etcd.Maintenance.MaintenanceClient Maintenance { get; }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private static async ValueTask<Stream> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, ClusterNames.ClientPort, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The operator's own certificate, and the authorities it trusts.</summary>
public sealed record MemberCredentials(X509Certificate2 Certificate, X509Certificate2Collection Authorities)
{
    /// <summary>Trust in the cluster's own authorities and in no others.</summary>
    public X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(Authorities);
        return policy;
    }
}
