using System.Globalization;
using System.Text;
using k8s;
using k8s.Models;
using KubeOps.KubernetesClient;
using Raft.Operator.Api;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Effects.Certificates;

/// <summary>Carries out changes to Secrets with certificates: each reads the Secret live and writes it on top of what it read.</summary>
public sealed class CertificateIssuer(IKubernetesClient kubernetes, TimeProvider time)
{
    /// <summary>Carries out <paramref name="task"/>.</summary>
    /// <exception cref="StepRefusedException">The Secret is not as it was when the task was planned.</exception>
    public async Task CarryOutAsync(RaftCluster cluster, CertificateTask task, CancellationToken cancellationToken)
    {
        var existing = await ReadAsync(cluster, task.Secret, cancellationToken).ConfigureAwait(false);
        var secret = existing ?? new V1Secret { ApiVersion = "v1", Kind = "Secret", Type = task is CertificateTask.IssueLeaf ? "kubernetes.io/tls" : "Opaque" };
        if (!Change(secret, task, await AuthorityAsync(cluster, task, cancellationToken).ConfigureAwait(false))) return;
        if (task is CertificateTask.CreateAuthority { Leaves: var leaves })
            foreach (var leaf in leaves)
                if (await ReadAsync(cluster, leaf, cancellationToken).ConfigureAwait(false) is { } inUse)
                    TrustToo(secret, inUse);

        var metadata = ObjectBuilder.Metadata(cluster, task.Secret, secret.Metadata?.Annotations);
        if (existing is null)
        {
            secret.Metadata = metadata;
            await kubernetes.ApiClient.CoreV1.CreateNamespacedSecretAsync(secret, cluster.Metadata.NamespaceProperty, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return;
        }
        foreach (var (key, value) in metadata.Labels) secret.SetLabel(key, value);
        if (secret.Metadata!.OwnerReferences is not { Count: > 0 }) secret.Metadata.OwnerReferences = metadata.OwnerReferences;
        // The resource version that was read is in it: if somebody was faster, this is refused.
        await kubernetes.ApiClient.CoreV1.ReplaceNamespacedSecretAsync(secret, task.Secret, cluster.Metadata.NamespaceProperty, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<V1Secret?> AuthorityAsync(RaftCluster cluster, CertificateTask task, CancellationToken cancellationToken) => task switch
    {
        CertificateTask.IssueLeaf leaf => await ReadAsync(cluster, leaf.Authority, cancellationToken).ConfigureAwait(false),
        CertificateTask.UpdateTrust trust => await ReadAsync(cluster, trust.Authority, cancellationToken).ConfigureAwait(false),
        _ => null,
    };

    private async Task<V1Secret?> ReadAsync(RaftCluster cluster, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await kubernetes.ApiClient.CoreV1.ReadNamespacedSecretAsync(name, cluster.Metadata.NamespaceProperty, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        catch (k8s.Autorest.HttpOperationException failure) when (failure.Response.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Changes the Secret in memory; false if it says already what it should.</summary>
    private bool Change(V1Secret secret, CertificateTask task, V1Secret? authority)
    {
        secret.Metadata ??= new V1ObjectMeta();
        secret.Data ??= new Dictionary<string, byte[]>();
        switch (task)
        {
            case CertificateTask.CreateAuthority create:
                // An authority is never overwritten: certificates in use hang on it.
                if (SecretReader.Certificates(secret, "tls.crt").Count > 0) return false;
                var first = CertificateFactory.Authority(create.CommonName, time.GetUtcNow(), create.Lifetime);
                Put(secret, ("tls.crt", first.CertificatePem), ("tls.key", first.KeyPem), ("ca.crt", first.CertificatePem));
                return true;

            case CertificateTask.AddNextAuthority add:
                if (SecretReader.Certificates(secret, "next.crt").Count > 0) return false;
                var next = CertificateFactory.Authority(add.CommonName, time.GetUtcNow(), add.Lifetime);
                Put(secret, ("next.crt", next.CertificatePem), ("next.key", next.KeyPem), ("ca.crt", Text(secret, "ca.crt").TrimEnd() + "\n" + next.CertificatePem));
                return true;

            case CertificateTask.SwitchAuthority change:
                if (SecretReader.Certificates(secret, "next.crt") is not [var candidate, ..] || SecretReader.Digest(candidate) != change.NextDigest)
                    throw new StepRefusedException("the next authority is another one by now");
                Put(secret, ("tls.crt", Text(secret, "next.crt")), ("tls.key", Text(secret, "next.key")));
                secret.Data.Remove("next.crt");
                secret.Data.Remove("next.key");
                return true;

            case CertificateTask.DropOldAuthorities drop:
                if (SecretReader.Certificates(secret, "tls.crt") is not [var signing, ..] || SecretReader.Digest(signing) != drop.KeepDigest)
                    throw new StepRefusedException("another authority signs by now");
                Put(secret, ("ca.crt", Text(secret, "tls.crt")));
                return true;

            case CertificateTask.IssueLeaf leaf:
                IssueLeaf(secret, leaf, authority ?? throw new StepRefusedException($"secret {leaf.Authority} is gone"));
                return true;

            case CertificateTask.UpdateTrust trust:
                Put(secret, ("ca.crt", Text(authority ?? throw new StepRefusedException($"secret {trust.Authority} is gone"), "ca.crt")));
                Note(secret, SecretReader.TrustChangedAt);
                return true;

            default:
                throw new ArgumentException($"unknown task {task}", nameof(task));
        }
    }

    /// <summary>Trusts, beside what is trusted already, what <paramref name="other"/> trusts.</summary>
    private static void TrustToo(V1Secret secret, V1Secret other)
    {
        var known = SecretReader.Certificates(secret, "ca.crt").Select(SecretReader.Digest).ToHashSet(StringComparer.Ordinal);
        foreach (var authority in SecretReader.Certificates(other, "ca.crt").Where(authority => known.Add(SecretReader.Digest(authority))))
            Put(secret, ("ca.crt", Text(secret, "ca.crt") + authority.ExportCertificatePem()));
    }

    private void IssueLeaf(V1Secret secret, CertificateTask.IssueLeaf leaf, V1Secret authority)
    {
        var pair = CertificateFactory.Leaf(
            new CertificateFactory.Pair(Text(authority, "tls.crt"), Text(authority, "tls.key")), leaf.CommonName, leaf.SubjectNames, time.GetUtcNow(), leaf.Lifetime);
        var trusted = Text(authority, "ca.crt");
        if (Text(secret, "ca.crt") != trusted) Note(secret, SecretReader.TrustChangedAt);
        Put(secret, ("tls.crt", pair.CertificatePem), ("tls.key", pair.KeyPem), ("ca.crt", trusted));
        Note(secret, SecretReader.CertificateChangedAt);
        secret.SetAnnotation(SecretReader.Issuer, SecretReader.Digest(SecretReader.Certificates(authority, "tls.crt")[0]));
        secret.SetAnnotation(SecretReader.SubjectNames, string.Join(',', leaf.SubjectNames));
    }

    private void Note(V1Secret secret, string annotation) =>
        secret.SetAnnotation(annotation, time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));

    private static string Text(V1Secret secret, string key) => secret.Data.TryGetValue(key, out var bytes) ? Encoding.UTF8.GetString(bytes) : string.Empty;

    private static void Put(V1Secret secret, params ReadOnlySpan<(string Key, string Value)> entries)
    {
        foreach (var (key, value) in entries) secret.Data[key] = Encoding.UTF8.GetBytes(value.TrimEnd() + "\n");
    }
}
