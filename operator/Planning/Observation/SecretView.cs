using System.Collections.Immutable;

namespace Raft.Operator.Planning.Observation;

/// <summary>A Secret with a certificate, without what is secret in it: digests and dates.</summary>
public sealed record SecretView
{
    /// <summary>Name of the Secret.</summary>
    public required string Name { get; init; }

    /// <summary>UID of the Secret, the precondition of every change.</summary>
    public string Uid { get; init; } = string.Empty;

    /// <summary>The certificate under tls.crt; null if it is absent or cannot be read.</summary>
    public CertificateView? Certificate { get; init; }

    /// <summary>Digests of the authorities under ca.crt: whose certificates the holder of this Secret trusts.</summary>
    public ImmutableArray<string> Trusted { get; init; } = [];

    /// <summary>In the authority's Secret: the authority that is trusted already but does not sign yet.</summary>
    public CertificateView? NextAuthority { get; init; }

    /// <summary>When the set of trusted authorities last changed, as the operator noted it.</summary>
    public DateTimeOffset? TrustChangedAt { get; init; }

    /// <summary>When the certificate last changed, as the operator noted it.</summary>
    public DateTimeOffset? CertificateChangedAt { get; init; }

    /// <summary>UID of the owning RaftCluster; null if it has none.</summary>
    public string? OwnerUid { get; init; }
}

/// <summary>What there is to know of a certificate.</summary>
/// <param name="Digest">SHA-256 of the certificate, hexadecimal.</param>
/// <param name="IssuerDigest">Digest of the authority that signed it, as the operator noted it; null if unknown.</param>
/// <param name="NotBefore">From when it is valid.</param>
/// <param name="NotAfter">Until when it is valid.</param>
/// <param name="SubjectNames">DNS names and addresses that it covers, sorted.</param>
public sealed record CertificateView(
    string Digest, string? IssuerDigest, DateTimeOffset NotBefore, DateTimeOffset NotAfter, ImmutableArray<string> SubjectNames)
{
    /// <summary>Whether two thirds of the lifetime are over: time to renew, with a third left for things to go wrong.</summary>
    public bool DueForRenewal(DateTimeOffset now) => now >= NotBefore + (NotAfter - NotBefore) * (2.0 / 3.0);
}
