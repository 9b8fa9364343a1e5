using System.Collections.Immutable;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>
/// Certificates are there before pods need them, are renewed long before they end, and an authority is replaced without a
/// moment in which one member does not trust another: trust the new one, wait until everybody does, let it sign, renew every
/// certificate, wait again, forget the old one. The server reads changed files by itself, so no pod is restarted for any of it.
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
        var tls = view.Desired.Cluster.Spec.Tls;
        var commonName = $"{view.Desired.Names.Cluster}.{view.Desired.Names.Namespace} authority";
        var authorityLifetime = TimeSpan.FromDays(tls.AuthorityDays);
        var authority = Secret(view, names.Authority);
        foreach (var secret in names.Leaves.Append(names.Authority))
            if (Secret(view, secret) is { OwnerUid: { } owner } && owner != view.Desired.Uid)
                return new Step.Wait($"secret {secret} belongs to an earlier cluster of this name that is still being deleted", Pace.Soon);
        if (authority?.Certificate is not { } signing)
            return Do("the certificate authority is missing", new CertificateTask.CreateAuthority(
                names.Authority, commonName, authorityLifetime, [.. names.Leaves.Where(name => Secret(view, name) is not null)]));

        return Missing(view, names, authority) ?? Renewal(view, names, signing)
            ?? (SignedBy(view, names, signing) ? Rotate(view, names, authority, signing, commonName, authorityLifetime) : null);
    }

    /// <summary>Certificates that are not there, and those whose holders do not trust what they ought to.</summary>
    private static Step.IssueCertificates? Missing(ClusterView view, CertificateNames names, SecretView authority)
    {
        foreach (var task in Leaves(view, names))
        {
            if (Secret(view, task.Secret) is not { Certificate: not null } leaf) return Do($"certificate {task.Secret} is missing", task);
            if (!SameSet(leaf.Trusted, authority.Trusted))
                return Do($"the trusted authorities of {task.Secret} have changed", new CertificateTask.UpdateTrust(task.Secret, names.Authority));
        }
        return null;
    }

    /// <summary>Certificates that are to be issued anew; by another authority than before only once every member trusts that one.</summary>
    private static Step.IssueCertificates? Renewal(ClusterView view, CertificateNames names, CertificateView signing)
    {
        var trusted = Propagated(view, names, secret => secret.TrustChangedAt);
        foreach (var task in Leaves(view, names))
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

    private static bool SignedBy(ClusterView view, CertificateNames names, CertificateView signing) =>
        names.Leaves.All(name => Secret(view, name)!.Certificate!.IssuerDigest == signing.Digest);

    /// <summary>One stage of replacing the authority, once every certificate agrees with the stage before.</summary>
    private static Step.IssueCertificates? Rotate(
        ClusterView view, CertificateNames names, SecretView authority, CertificateView signing, string commonName, TimeSpan lifetime)
    {
        if (authority.NextAuthority is { } next)
            return Propagated(view, names, secret => secret.TrustChangedAt)
                ? Do("every member trusts the next authority", new CertificateTask.SwitchAuthority(names.Authority, next.Digest))
                : null;
        if (authority.Trusted.Any(digest => digest != signing.Digest))
            return Propagated(view, names, secret => secret.CertificateChangedAt)
                ? Do("no certificate of the old authority is in use", new CertificateTask.DropOldAuthorities(names.Authority, signing.Digest))
                : null;
        return signing.DueForRenewal(view.Now)
            ? Do($"the certificate authority ends at {signing.NotAfter:u}", new CertificateTask.AddNextAuthority(names.Authority, commonName, lifetime))
            : null;
    }

    private static bool Propagated(ClusterView view, CertificateNames names, Func<SecretView, DateTimeOffset?> changedAt) =>
        names.Leaves.All(name => Secret(view, name) is { } secret && changedAt(secret) is { } at && view.Now - at >= Pace.SecretPropagation);

    /// <summary>How each certificate is issued.</summary>
    private static IEnumerable<CertificateTask.IssueLeaf> Leaves(ClusterView view, CertificateNames names)
    {
        var cluster = view.Desired.Cluster;
        yield return Leaf(names.Server, CertificateNames.ServerSubjects(cluster));
        yield return Leaf(names.Peer, CertificateNames.PeerSubjects(cluster));
        yield return Leaf(names.Client, []);

        CertificateTask.IssueLeaf Leaf(string secret, ImmutableArray<string> subjectNames) => new(
            secret, names.Authority, $"{secret}.{view.Desired.Names.Namespace}", subjectNames, TimeSpan.FromDays(cluster.Spec.Tls.CertificateDays));
    }

    private static bool SameSet(ImmutableArray<string> left, ImmutableArray<string> right) => left.ToHashSet(StringComparer.Ordinal).SetEquals(right);

    private static SecretView? Secret(ClusterView view, string name) => view.Observation.Secrets.FirstOrDefault(secret => secret.Name == name);

    private static Step.IssueCertificates Do(string reason, CertificateTask task) => new(reason, task);
}
