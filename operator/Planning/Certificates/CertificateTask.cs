using System.Collections.Immutable;

namespace Raft.Operator.Planning.Certificates;

/// <summary>One change to one Secret with certificates. Keys are made by whoever carries it out.</summary>
/// <param name="Secret">Name of the Secret.</param>
public abstract record CertificateTask(string Secret)
{
    /// <summary>
    /// Make the authority's Secret, with a new authority that signs. Beside it stays trusted what <paramref name="Leaves"/> trust: if
    /// the Secret was lost, certificates of the authority before are still in use.
    /// </summary>
    public sealed record CreateAuthority(string Secret, string CommonName, TimeSpan Lifetime, ImmutableArray<string> Leaves) : CertificateTask(Secret);

    /// <summary>Add a second authority that is trusted but does not sign yet.</summary>
    public sealed record AddNextAuthority(string Secret, string CommonName, TimeSpan Lifetime) : CertificateTask(Secret);

    /// <summary>From now on the second authority signs; the first stays trusted.</summary>
    public sealed record SwitchAuthority(string Secret, string NextDigest) : CertificateTask(Secret);

    /// <summary>Trust only the authority that signs.</summary>
    public sealed record DropOldAuthorities(string Secret, string KeepDigest) : CertificateTask(Secret);

    /// <summary>Make or renew a certificate with the authority that signs, and trust what the authority's Secret trusts.</summary>
    public sealed record IssueLeaf(
        string Secret, string Authority, string CommonName, ImmutableArray<string> SubjectNames, TimeSpan Lifetime)
        : CertificateTask(Secret);

    /// <summary>Keep the certificate but trust what the authority's Secret trusts.</summary>
    public sealed record UpdateTrust(string Secret, string Authority) : CertificateTask(Secret);
}
