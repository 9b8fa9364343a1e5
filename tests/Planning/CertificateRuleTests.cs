using System.Collections.Immutable;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests;

/// <summary>
/// Certificates over their whole lives. Pods see a changed Secret at some time within five minutes, each at another: at no time
/// may one show a certificate whose authority another one does not trust.
/// </summary>
public sealed class CertificateRuleTests
{
    private static readonly TimeSpan Propagation = TimeSpan.FromMinutes(5);

    private readonly Seen _seen = new(Given.Cluster(change: spec =>
    {
        spec.Tls.Enabled = true;
        spec.DisruptionBudget.Enabled = false;
    }));

    private readonly Dictionary<string, SecretView> _secrets = [];
    private readonly List<(DateTimeOffset At, string Secret, string Issuer, ImmutableArray<string> Trusted)> _shown = [];
    private int _made;

    [Fact]
    public void All_secrets_are_made_before_anything_else_and_then_left_alone()
    {
        Run(TimeSpan.FromMinutes(1));
        Assert.Equal(["store-ca", "store-client-tls", "store-peer-tls", "store-server-tls"], _secrets.Keys.Order(StringComparer.Ordinal));
        var made = _made;
        Run(TimeSpan.FromDays(59));
        Assert.Equal(made, _made);
    }

    [Fact]
    public void Certificates_are_renewed_by_the_same_authority_with_a_third_of_their_lives_left()
    {
        Run(TimeSpan.FromMinutes(1));
        var before = _secrets["store-server-tls"].Certificate!;
        Run(TimeSpan.FromDays(61));
        var after = _secrets["store-server-tls"].Certificate!;
        Assert.NotEqual(before.Digest, after.Digest);
        Assert.Equal(before.IssuerDigest, after.IssuerDigest);
        Assert.True(after.NotAfter > before.NotAfter);
    }

    [Fact]
    public void S13_an_authority_is_replaced_without_a_moment_of_distrust()
    {
        Run(TimeSpan.FromMinutes(1));
        var before = _secrets["store-ca"].Certificate!.Digest;
        _seen.Now += TimeSpan.FromDays(2434);
        Run(TimeSpan.FromHours(1));
        AssertOneAuthorityOtherThan(before);
    }

    [Fact]
    public void S13_a_lost_authority_is_replaced_without_a_moment_of_distrust()
    {
        Run(TimeSpan.FromHours(1));
        var before = _secrets["store-ca"].Certificate!.Digest;
        _secrets.Remove("store-ca");
        Run(TimeSpan.FromHours(1));
        AssertOneAuthorityOtherThan(before);
    }

    [Fact]
    public void Secrets_of_the_users_own_are_waited_for_and_never_written()
    {
        _seen.Cluster.Spec.Tls.ServerSecretName = "mine-server";
        _seen.Cluster.Spec.Tls.PeerSecretName = "mine-peer";
        _seen.Cluster.Spec.Tls.OperatorSecretName = "mine-operator";
        foreach (var name in (string[])["mine-server", "mine-peer", "mine-operator"])
        {
            Assert.Contains(name, _seen.Step<Step.Wait>().Reason, StringComparison.Ordinal);
            _secrets[name] = new SecretView { Name = name, Certificate = Certificate("mine", "theirs", TimeSpan.FromDays(1)) };
            _seen.Secrets = [.. _secrets.Values];
        }
        Assert.NotEqual("certificates", _seen.Plan().Rule);
        _seen.Now += TimeSpan.FromDays(2);
        Assert.NotEqual("certificates", _seen.Plan().Rule);
    }

    private void AssertOneAuthorityOtherThan(string before)
    {
        var authority = _secrets["store-ca"];
        Assert.NotEqual(before, authority.Certificate!.Digest);
        foreach (var leaf in CertificateNames.Of(_seen.Cluster).Leaves.Select(name => _secrets[name]))
        {
            Assert.Equal(authority.Certificate.Digest, leaf.Certificate!.IssuerDigest);
            Assert.Equal([authority.Certificate.Digest], leaf.Trusted);
        }
    }

    /// <summary>Plans and acts every half minute, or every hour where the time is long.</summary>
    private void Run(TimeSpan time)
    {
        var step = time > TimeSpan.FromDays(1) ? TimeSpan.FromHours(1) : TimeSpan.FromSeconds(30);
        for (var end = _seen.Now + time; _seen.Now < end; _seen.Now += step)
            while (true)
            {
                _seen.Secrets = [.. _secrets.Values];
                if (_seen.Plan().Step is not Step.IssueCertificates { Task: var task }) break;
                CarryOut(task);
                AssertTrust();
            }
    }

    private void CarryOut(CertificateTask task)
    {
        Assert.True(++_made < 100, "certificates are made without end");
        var secret = _secrets.GetValueOrDefault(task.Secret) ?? new SecretView { Name = task.Secret, OwnerUid = Given.Uid };
        _secrets[task.Secret] = task switch
        {
            CertificateTask.CreateAuthority create => secret with
            {
                Certificate = Certificate($"authority-{_made}", null, create.Lifetime),
                Trusted = [$"authority-{_made}", .. create.Leaves.SelectMany(leaf => _secrets[leaf].Trusted).Distinct()],
            },
            CertificateTask.AddNextAuthority add => secret with
            {
                NextAuthority = Certificate($"authority-{_made}", null, add.Lifetime),
                Trusted = secret.Trusted.Add($"authority-{_made}"),
            },
            CertificateTask.SwitchAuthority => secret with { Certificate = secret.NextAuthority, NextAuthority = null },
            CertificateTask.DropOldAuthorities drop => secret with { Trusted = [drop.KeepDigest] },
            CertificateTask.UpdateTrust trust => secret with { Trusted = _secrets[trust.Authority].Trusted, TrustChangedAt = _seen.Now },
            CertificateTask.IssueLeaf leaf => secret with
            {
                Certificate = Certificate($"leaf-{_made}", _secrets[leaf.Authority].Certificate!.Digest, leaf.Lifetime) with { SubjectNames = leaf.SubjectNames },
                CertificateChangedAt = _seen.Now,
                TrustChangedAt = secret.Trusted.SequenceEqual(_secrets[leaf.Authority].Trusted) ? secret.TrustChangedAt : _seen.Now,
                Trusted = _secrets[leaf.Authority].Trusted,
            },
            _ => throw new ArgumentException($"unknown task {task}", nameof(task)),
        };
        if (_secrets[task.Secret] is { Certificate.IssuerDigest: { } issuer } shown) _shown.Add((_seen.Now, task.Secret, issuer, shown.Trusted));
    }

    private void AssertTrust()
    {
        var visible = _shown.GroupBy(version => version.Secret)
            .SelectMany(versions => versions.Where((version, index) =>
                versions.ElementAtOrDefault(index + 1) is var next && (next == default || _seen.Now - next.At < Propagation)))
            .ToList();
        foreach (var one in visible)
            foreach (var other in visible)
                Assert.True(other.Trusted.Contains(one.Issuer), $"{other.Secret} does not trust {one.Issuer}, which signed {one.Secret}");
    }

    private CertificateView Certificate(string digest, string? issuer, TimeSpan lifetime) => new(digest, issuer, _seen.Now, _seen.Now + lifetime, []);
}
