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
            return Do("the certificate authority is missing", new CertificateTask.CreateAuthority(names.Authority, commonName, authorityLifetime));

        var subjects = Subjects(view, names);
        var lifetime = TimeSpan.FromDays(tls.CertificateDays);
        foreach (var (name, subjectNames) in subjects)
        {
            var leaf = Secret(view, name);
            var task = new CertificateTask.IssueLeaf(name, names.Authority, CommonName(view, name), subjectNames, lifetime);
            if (leaf?.Certificate is not { } certificate) return Do($"certificate {name} is missing", task);
            if (!SameSet(leaf.Trusted, authority.Trusted))
                return Do($"the trusted authorities of {name} have changed", new CertificateTask.UpdateTrust(name, names.Authority));
            if (certificate.DueForRenewal(view.Now)) return Do($"certificate {name} ends at {certificate.NotAfter:u}", task);
            if (!certificate.SubjectNames.SequenceEqual(subjectNames)) return Do($"certificate {name} covers other names than it ought to", task);
            if (certificate.IssuerDigest != signing.Digest) return Do($"certificate {name} was signed by an authority that is being replaced", task);
        }

        return Rotate(view, names, authority, signing, commonName, authorityLifetime);
    }

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

    private static ImmutableArray<(string Secret, ImmutableArray<string> SubjectNames)> Subjects(ClusterView view, CertificateNames names) =>
    [
        (names.Server, CertificateNames.ServerSubjects(view.Desired.Cluster)),
        (names.Peer, CertificateNames.PeerSubjects(view.Desired.Cluster)),
        (names.Client, []),
    ];

    private static string CommonName(ClusterView view, string secret) => $"{secret}.{view.Desired.Names.Namespace}";

    private static bool SameSet(ImmutableArray<string> left, ImmutableArray<string> right) => left.ToHashSet(StringComparer.Ordinal).SetEquals(right);

    private static SecretView? Secret(ClusterView view, string name) => view.Observation.Secrets.FirstOrDefault(secret => secret.Name == name);

    private static Step.IssueCertificates Do(string reason, CertificateTask task) => new(reason, task);
}
