using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Raft.Operator.Effects.Certificates;

/// <summary>Makes certificates with fresh P-256 keys.</summary>
public static class CertificateFactory
{
    // Clocks of nodes differ: a certificate must not be too young for one of them.
    private static readonly TimeSpan Backdated = TimeSpan.FromMinutes(5);

    /// <summary>A certificate and its key, in PEM.</summary>
    public sealed record Pair(string CertificatePem, string KeyPem);

    /// <summary>An authority that signs itself.</summary>
    public static Pair Authority(string commonName, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(commonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(now - Backdated, now + lifetime);
        return new Pair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>A certificate for servers and clients alike, signed by <paramref name="authority"/>; it ends no later than that.</summary>
    public static Pair Leaf(Pair authority, string commonName, IEnumerable<string> subjectNames, DateTimeOffset now, TimeSpan lifetime)
    {
        using var issuer = X509Certificate2.CreateFromPem(authority.CertificatePem, authority.KeyPem);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(commonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // Servers call each other as clients, with the same certificate.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, true, false));
        if (Names(subjectNames) is { } names) request.CertificateExtensions.Add(names);

        var notBefore = now - Backdated < issuer.NotBefore ? issuer.NotBefore : now - Backdated;
        var notAfter = now + lifetime > issuer.NotAfter ? issuer.NotAfter : now + lifetime;
        using var certificate = request.Create(issuer, notBefore, notAfter, RandomNumberGenerator.GetBytes(16));
        return new Pair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static X500DistinguishedName Name(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        // X.520 bounds common names to 64 characters; who may connect is decided by the authority, not by this name.
        builder.AddCommonName(commonName.Length > 64 ? commonName[..64] : commonName);
        return builder.Build();
    }

    private static X509Extension? Names(IEnumerable<string> subjectNames)
    {
        var builder = new SubjectAlternativeNameBuilder();
        var any = false;
        foreach (var name in subjectNames)
        {
            any = true;
            if (IPAddress.TryParse(name, out var address)) builder.AddIpAddress(address);
            else builder.AddDnsName(name);
        }
        return any ? builder.Build() : null;
    }
}
