using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Effects.Certificates;

/// <summary>Reads from a Secret what the planner may know of it: digests, dates and names, no keys.</summary>
public static class SecretReader
{
    /// <summary>When the trusted authorities last changed.</summary>
    public const string TrustChangedAt = "raft.io/trust-changed-at";

    /// <summary>When the certificate last changed.</summary>
    public const string CertificateChangedAt = "raft.io/certificate-changed-at";

    /// <summary>Digest of the authority that signed the certificate.</summary>
    public const string Issuer = "raft.io/issuer";

    /// <summary>Names that the certificate was asked to cover, which may be written differently in it.</summary>
    public const string SubjectNames = "raft.io/subject-names";

    /// <summary>Reads <paramref name="secret"/>; what cannot be read counts as absent.</summary>
    public static SecretView Read(V1Secret secret) => new()
    {
        Name = secret.Metadata.Name,
        Uid = secret.Metadata.Uid ?? string.Empty,
        Certificate = View(secret, "tls.crt"),
        Trusted = [.. Certificates(secret, "ca.crt").Select(Digest)],
        NextAuthority = View(secret, "next.crt"),
        TrustChangedAt = Moment(secret, TrustChangedAt),
        CertificateChangedAt = Moment(secret, CertificateChangedAt),
        OwnerUid = secret.Metadata.OwnerReferences?.FirstOrDefault(owner => owner.Kind == RaftCluster.KindName)?.Uid,
    };

    /// <summary>SHA-256 of a certificate, hexadecimal.</summary>
    public static string Digest(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    /// <summary>All certificates under a key of a Secret; none if it is absent or not PEM.</summary>
    public static IReadOnlyList<X509Certificate2> Certificates(V1Secret secret, string key)
    {
        if (secret.Data is null || !secret.Data.TryGetValue(key, out var pem)) return [];
        try
        {
            var found = new X509Certificate2Collection();
            found.ImportFromPem(Encoding.UTF8.GetString(pem));
            return [.. found];
        }
        catch (CryptographicException)
        {
            return [];
        }
    }

    private static CertificateView? View(V1Secret secret, string key)
    {
        if (Certificates(secret, key) is not [var certificate, ..]) return null;
        return new CertificateView(
            Digest(certificate), secret.GetAnnotation(Issuer), certificate.NotBefore, certificate.NotAfter,
            secret.GetAnnotation(SubjectNames) is { } noted ? [.. noted.Split(',', StringSplitOptions.RemoveEmptyEntries)] : Covered(certificate));
    }

    private static ImmutableArray<string> Covered(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        return extension is null
            ? []
            : [.. extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select((IPAddress address) => address.ToString()))
                .Order(StringComparer.Ordinal)];
    }

    private static DateTimeOffset? Moment(V1Secret secret, string annotation) =>
        DateTimeOffset.TryParse(secret.GetAnnotation(annotation), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? moment : null;
}
