using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using k8s.Models;
using Raft.Protocol.Etcd;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>What a client needs to be believed by a member, and to believe it: the Secret that the operator issued.</summary>
internal sealed record ClientIdentity(X509Certificate2 Certificate, X509Certificate2Collection Authorities)
{
    public static ClientIdentity From(V1Secret secret)
    {
        string Text(string key) => System.Text.Encoding.UTF8.GetString(secret.Data[key]);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(Text("ca.crt"));
        return new ClientIdentity(X509Certificate2.CreateFromPem(Text("tls.crt"), Text("tls.key")), authorities);
    }

    /// <summary>The name must match and the chain must end in the cluster's own authority, whatever the machine trusts.</summary>
    public bool Trusts(X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 presented || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(presented);
    }
}

/// <summary>A gRPC channel to one life of one pod; the next life of a pod of that name gets a channel of its own.</summary>
internal sealed class MemberConnection : IDisposable
{
    private const int ClientPort = 2379;
    private readonly GrpcChannel _channel;

    public MemberConnection(V1Pod pod, string dnsName, ClientIdentity? identity, PodDialer dialer)
    {
        Name = pod.Name();
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(1),
            KeepAlivePingDelay = TimeSpan.FromSeconds(1),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
            ConnectCallback = (_, stop) => dialer.DialAsync(pod, ClientPort, stop),
        };
        if (identity is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [identity.Certificate],
                RemoteCertificateValidationCallback = (_, certificate, _, errors) => identity.Trusts(certificate, errors),
            };
        }

        _channel = GrpcChannel.ForAddress(
            $"{(identity is null ? "http" : "https")}://{dnsName}:{ClientPort}",
            new GrpcChannelOptions
            {
                HttpHandler = handler,
                DisposeHttpClient = true,
                MaxReceiveMessageSize = 64 << 20,
                // After a failure the next request connects at once: a test measures the cluster's outage, not our patience.
                InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
                MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
            });
        KeyValue = new KV.KVClient(_channel);
        Members = new Protocol.Etcd.Cluster.ClusterClient(_channel);
        Maintenance = new Maintenance.MaintenanceClient(_channel);
    }

    /// <summary>The pod's name, which is the member's.</summary>
    public string Name { get; }

    public KV.KVClient KeyValue { get; }

    public Protocol.Etcd.Cluster.ClusterClient Members { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    public void Dispose() => _channel.Dispose();
}
