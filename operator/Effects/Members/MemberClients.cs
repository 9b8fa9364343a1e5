using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Certificates;

namespace Raft.Operator.Effects.Members;

/// <summary>Keeps connections to members open between looks, and forgets those that nobody has used for a while.</summary>
public sealed class MemberClients(IKubernetesClient kubernetes, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<Key, Entry> _clients = new();

    // A connection belongs to a pod at an address, made with certain credentials: when one of them changes it is another.
    private sealed record Key(string Namespace, string Pod, string Address, string? CredentialsDigest);

    private sealed class Entry(MemberClient client)
    {
        public MemberClient Client => client;
        public DateTimeOffset UsedAt { get; set; }
    }

    /// <summary>What the operator shows to the members of <paramref name="cluster"/>; null if they speak plainly.</summary>
    /// <exception cref="StepRefusedException">The Secret with the operator's certificate is not there yet, or is no certificate.</exception>
    public async Task<Credentials> CredentialsOfAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        if (!cluster.Spec.Tls.Enabled) return new Credentials(null, null);
        var name = CertificateNames.Of(cluster).Client;
        var secret = await kubernetes.GetAsync<V1Secret>(name, cluster.Metadata.NamespaceProperty, cancellationToken).ConfigureAwait(false);
        if (secret?.Data is null
            || !secret.Data.TryGetValue("tls.crt", out var certificate)
            || !secret.Data.TryGetValue("tls.key", out var key)
            || !secret.Data.TryGetValue("ca.crt", out var authorities))
            throw new StepRefusedException($"secret {name} with the operator's own certificate is not there");
        return new Credentials(secret.Data, Convert.ToHexString(SHA256.HashData([.. certificate, .. key, .. authorities])));
    }

    /// <summary>The connection to the member on a pod.</summary>
    public MemberClient Of(RaftCluster cluster, string pod, string address, Credentials credentials)
    {
        Sweep();
        var names = ClusterNames.Of(cluster);
        var entry = _clients.GetOrAdd(
            new Key(names.Namespace, pod, address, credentials.Digest),
            _ => new Entry(new MemberClient(names.Host(pod), address, credentials.Read())));
        entry.UsedAt = time.GetUtcNow();
        return entry.Client;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _clients.Values) entry.Client.Dispose();
    }

    private void Sweep()
    {
        var now = time.GetUtcNow();
        foreach (var (key, entry) in _clients)
            if (entry.UsedAt != default && now - entry.UsedAt > IdleMax && _clients.TryRemove(key, out var removed))
                removed.Client.Dispose();
    }

    /// <summary>Credentials as they lie in a Secret, read only when a new connection needs them.</summary>
    public sealed class Credentials(IDictionary<string, byte[]>? data, string? digest)
    {
        /// <summary>Tells one set of credentials from another.</summary>
        public string? Digest => digest;

        /// <summary>Reads the certificate and its key.</summary>
        public MemberCredentials? Read()
        {
            if (data is null) return null;
            using var pem = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(data["tls.crt"]), Encoding.UTF8.GetString(data["tls.key"]));
            // A certificate made from PEM holds its key in a way that some platforms cannot use for TLS; through PKCS#12 it works on all.
            var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(Encoding.UTF8.GetString(data["ca.crt"]));
            return new MemberCredentials(certificate, authorities);
        }
    }
}
