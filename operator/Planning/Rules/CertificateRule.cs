using System.Collections.Immutable;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Certificates are there before pods need them, are renewed long before they end, and an authority is replaced without a
/// moment in which one member does not trust another: trust the new one, wait until everybody does, let it sign, renew every
/// certificate, wait again, forget the old one. The server reads changed files by itself, so no pod is restarted for any of it.
/// There are two authorities, so that nobody who has a certificate for clients, whoever signed it, is taken for a member. A cluster
/// from before there were two gets its second one in the same way as one that lost an authority: by replacing it.
/// </summary>
public static class CertificateRule
{
    /// <summary>The next change to a Secret; null if certificates are in order.</summary>
    public static Step? Decide(ClusterView view)
    {
        if (!view.Desired.Cluster.Spec.Tls.Enabled) return null;
        var names = CertificateNames.Of(view.Desired.Cluster);
        return names.Issued ? Issue(view, names) : MissingSecret(view, names);
    }

    private static Step.Wait? MissingSecret(ClusterView view, CertificateNames names) =>
        names.Leaves.FirstOrDefault(name => Secret(view, name)?.Certificate is null) is { } missing
            ? new Step.Wait($"secret {missing} with tls.crt, tls.key and ca.crt is needed", Pace.Later)
            : null;

    private static Step? Issue(ClusterView view, CertificateNames names)
    {
        foreach (var secret in names.All)
            if (Secret(view, secret) is { OwnerUid: { } owner } && owner != view.Desired.Uid)
                return new Step.Wait($"secret {secret} belongs to an earlier cluster of this name that is still being deleted", Pace.Soon);
        return Domains(view, names).Select(domain => Issue(view, domain)).FirstOrDefault(step => step is not null);
    }

    private static Step.IssueCertificates? Issue(ClusterView view, TrustDomain domain)
    {
        var authority = Secret(view, domain.Authority);
        if (authority?.Certificate is not { } signing)
            return Do($"the certificate authority {domain.Authority} is missing", new CertificateTask.CreateAuthority(
                domain.Authority, domain.CommonName, AuthorityLifetime(view),
                [.. domain.Leaves.Select(leaf => leaf.Secret).Where(name => Secret(view, name) is not null)]));

        return Missing(view, domain, authority) ?? Renewal(view, domain, signing)
            ?? (SignedBy(view, domain, signing) ? Rotate(view, domain, authority, signing) : null);
    }

    /// <summary>Certificates that are not there, and those whose holders do not trust what they ought to.</summary>
    private static Step.IssueCertificates? Missing(ClusterView view, TrustDomain domain, SecretView authority)
    {
        foreach (var task in domain.Leaves)
        {
            if (Secret(view, task.Secret) is not { Certificate: not null } leaf) return Do($"certificate {task.Secret} is missing", task);
            if (!SameSet(leaf.Trusted, authority.Trusted))
                return Do($"the trusted authorities of {task.Secret} have changed", new CertificateTask.UpdateTrust(task.Secret, domain.Authority));
        }
        return null;
    }

    /// <summary>Certificates that are to be issued anew; by another authority than before only once every member trusts that one.</summary>
    private static Step.IssueCertificates? Renewal(ClusterView view, TrustDomain domain, CertificateView signing)
    {
        var trusted = Propagated(view, domain, secret => secret.TrustChangedAt);
        foreach (var task in domain.Leaves)
        {
            var certificate = Secret(view, task.Secret)!.Certificate!;
            var sameSigner = certificate.IssuerDigest == signing.Digest;
            if (!sameSigner && !trusted) continue;
            if (certificate.DueForRenewal(view.Now)) return Do($"certificate {task.Secret} ends at {certificate.NotAfter:u}", task);
            if (!certificate.SubjectNames.SequenceEqual(task.SubjectNames)) return Do($"certificate {task.Secret} covers other names than it ought to", task);
            if (!sameSigner) return Do($"certificate {task.Secret} was signed by an authority that is being replaced", task);
        }
        return null;
    }

    private static bool SignedBy(ClusterView view, TrustDomain domain, CertificateView signing) =>
        domain.Leaves.All(leaf => Secret(view, leaf.Secret)!.Certificate!.IssuerDigest == signing.Digest);

    /// <summary>One stage of replacing the authority, once every certificate agrees with the stage before.</summary>
    private static Step.IssueCertificates? Rotate(ClusterView view, TrustDomain domain, SecretView authority, CertificateView signing)
    {
        if (authority.NextAuthority is { } next)
            return Propagated(view, domain, secret => secret.TrustChangedAt)
                ? Do($"all who need it trust the next authority of {domain.Authority}", new CertificateTask.SwitchAuthority(domain.Authority, next.Digest))
                : null;
        if (authority.Trusted.Any(digest => digest != signing.Digest))
            return Propagated(view, domain, secret => secret.CertificateChangedAt)
                ? Do($"no certificate that another authority than {domain.Authority} signed is in use", new CertificateTask.DropOldAuthorities(domain.Authority, signing.Digest))
                : null;
        return signing.DueForRenewal(view.Now)
            ? Do($"the certificate authority {domain.Authority} ends at {signing.NotAfter:u}",
                new CertificateTask.AddNextAuthority(domain.Authority, domain.CommonName, AuthorityLifetime(view)))
            : null;
    }

    private static bool Propagated(ClusterView view, TrustDomain domain, Func<SecretView, DateTimeOffset?> changedAt) =>
        domain.Leaves.All(leaf => Secret(view, leaf.Secret) is { } secret && changedAt(secret) is { } at && view.Now - at >= Pace.SecretPropagation);

    /// <summary>An authority and how it issues its certificates, whose holders trust each other and nobody else.</summary>
    private sealed record TrustDomain(string Authority, string CommonName, ImmutableArray<CertificateTask.IssueLeaf> Leaves);

    private static IEnumerable<TrustDomain> Domains(ClusterView view, CertificateNames names)
    {
        var cluster = view.Desired.Cluster;
        var (name, space) = (view.Desired.Names.Cluster, view.Desired.Names.Namespace);
        yield return new TrustDomain(
            names.Authority, $"{name}.{space} authority",
            [Leaf(names.Server, names.Authority, CertificateNames.ServerSubjects(cluster)), Leaf(names.Client, names.Authority, [])]);
        yield return new TrustDomain(
            names.PeerAuthority, $"{name}.{space} peer authority", [Leaf(names.Peer, names.PeerAuthority, CertificateNames.PeerSubjects(cluster))]);

        CertificateTask.IssueLeaf Leaf(string secret, string authority, ImmutableArray<string> subjectNames) =>
            new(secret, authority, $"{secret}.{space}", subjectNames, TimeSpan.FromDays(cluster.Spec.Tls.CertificateDays));
    }

    private static TimeSpan AuthorityLifetime(ClusterView view) => TimeSpan.FromDays(view.Desired.Cluster.Spec.Tls.AuthorityDays);

    private static bool SameSet(ImmutableArray<string> left, ImmutableArray<string> right) => left.ToHashSet(StringComparer.Ordinal).SetEquals(right);

    private static SecretView? Secret(ClusterView view, string name) => view.Observation.Secrets.FirstOrDefault(secret => secret.Name == name);

    private static Step.IssueCertificates Do(string reason, CertificateTask task) => new(reason, task);
}
