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
        Assert.Equal(["store-ca", "store-ca-peers", "store-client-tls", "store-peer-tls", "store-server-tls"], _secrets.Keys.Order(StringComparer.Ordinal));
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
    public void No_client_is_a_member_and_no_member_a_client_whoever_signs_for_either()
    {
        Run(TimeSpan.FromMinutes(1));
        AssertSignedAndTrusted(Clients);
        AssertSignedAndTrusted(Peers);
        Assert.NotEqual(_secrets["store-ca"].Certificate!.Digest, _secrets["store-ca-peers"].Certificate!.Digest);
    }

    [Fact]
    public void S13_authorities_are_replaced_without_a_moment_of_distrust()
    {
        Run(TimeSpan.FromMinutes(1));
        var before = _secrets.ToDictionary();
        _seen.Now += TimeSpan.FromDays(2434);
        Run(TimeSpan.FromHours(1));
        foreach (var domain in (Domain[])[Clients, Peers])
        {
            Assert.NotEqual(before[domain.Authority].Certificate!.Digest, _secrets[domain.Authority].Certificate!.Digest);
            AssertSignedAndTrusted(domain);
        }
    }

    [Theory]
    [InlineData("store-ca")]
    [InlineData("store-ca-peers")]
    public void S13_a_lost_authority_is_replaced_without_a_moment_of_distrust_and_the_other_is_left_alone(string lost)
    {
        Run(TimeSpan.FromHours(1));
        var before = _secrets.ToDictionary();
        _secrets.Remove(lost);
        Run(TimeSpan.FromHours(1));
        var (replaced, other) = lost == Clients.Authority ? (Clients, Peers) : (Peers, Clients);
        Assert.NotEqual(before[lost].Certificate!.Digest, _secrets[lost].Certificate!.Digest);
        AssertSignedAndTrusted(replaced);
        Assert.All(other.Leaves.Append(other.Authority), name => Assert.Same(before[name], _secrets[name]));
    }

    [Fact]
    public void Members_of_a_cluster_with_one_authority_get_one_of_their_own_without_a_moment_of_distrust()
    {
        HadAuthority("a", "a");
        foreach (var leaf in Clients.Leaves.Concat(Peers.Leaves)) Had(leaf, TimeSpan.FromDays(1), "a", "a");
        var before = _secrets.ToDictionary();
        Run(TimeSpan.FromHours(1));
        AssertSignedAndTrusted(Peers);
        Assert.All(Clients.Leaves.Append(Clients.Authority), name => Assert.Same(before[name], _secrets[name]));
    }

    /// <summary>The one authority was being replaced, a by b, when the operator learned of the second.</summary>
    [Theory]
    [InlineData("some trust b")]
    [InlineData("b signs")]
    [InlineData("members have just got a certificate of b")]
    [InlineData("members have just forgotten a")]
    [InlineData("a was lost")]
    public void Members_get_an_authority_of_their_own_whatever_becomes_of_the_one_that_all_had(string stage)
    {
        var (aDay, aMinute) = (TimeSpan.FromDays(1), TimeSpan.FromMinutes(1));
        foreach (var leaf in Clients.Leaves.Concat(Peers.Leaves)) Had(leaf, aDay, "a", stage == "some trust b" && leaf != "store-client-tls" ? ["a", "b"] : ["a"]);
        switch (stage)
        {
            case "some trust b":
                HadAuthority("a", "a", "b");
                _secrets["store-ca"] = _secrets["store-ca"] with { NextAuthority = Certificate("b", null, TimeSpan.FromDays(3650)) };
                break;
            case "b signs":
                HadAuthority("b", "a", "b");
                foreach (var leaf in Clients.Leaves.Concat(Peers.Leaves)) Had(leaf, aDay, "a", "a", "b");
                break;
            case "members have just got a certificate of b":
                HadAuthority("b", "a", "b");
                foreach (var leaf in Clients.Leaves.Concat(Peers.Leaves)) Had(leaf, aDay, "a", "a", "b");
                Had("store-peer-tls", aMinute, "b", "a", "b");
                break;
            case "members have just forgotten a":
                HadAuthority("b", "b");
                foreach (var leaf in Clients.Leaves.Concat(Peers.Leaves)) Had(leaf, aDay, "b", "a", "b");
                Had("store-peer-tls", aMinute, "b", "b");
                break;
            default:
                Had("store-peer-tls", aMinute, "a", "a");
                break;
        }
        Run(TimeSpan.FromHours(1));
        AssertSignedAndTrusted(Clients);
        AssertSignedAndTrusted(Peers);
    }

    [Fact]
    public void Clusters_in_one_namespace_share_no_secret_whatever_their_names()
    {
        string[] endings = ["", "-ca", "-peer", "-peers", "-ca-peers", "-server", "-client", "-tls"];
        var secrets = endings.SelectMany(ending =>
        {
            var cluster = Given.Cluster();
            cluster.Metadata.Name = $"store{ending}";
            return CertificateNames.Of(cluster).All;
        }).ToList();
        Assert.Equal(secrets.Distinct().Count(), secrets.Count);
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

    /// <summary>An authority, and the Secrets of those who meet each other with its certificates.</summary>
    private sealed record Domain(string Authority, params string[] Leaves);

    private static readonly Domain Clients = new("store-ca", "store-server-tls", "store-client-tls");
    private static readonly Domain Peers = new("store-ca-peers", "store-peer-tls");

    /// <summary>All certificates are of the domain's authority, and no other one is trusted.</summary>
    private void AssertSignedAndTrusted(Domain domain)
    {
        var signing = _secrets[domain.Authority].Certificate!.Digest;
        foreach (var leaf in domain.Leaves.Select(name => _secrets[name]))
        {
            Assert.Equal(signing, leaf.Certificate!.IssuerDigest);
            Assert.Equal([signing], leaf.Trusted);
        }
    }

    /// <summary>The one authority of a cluster from before there were two.</summary>
    private void HadAuthority(string signing, params string[] trusted) => _secrets["store-ca"] = new SecretView
    {
        Name = "store-ca",
        OwnerUid = Given.Uid,
        Certificate = Certificate(signing, null, TimeSpan.FromDays(3650)),
        Trusted = [.. trusted],
    };

    /// <summary>A certificate that was issued, and shown, before the test begins.</summary>
    private void Had(string secret, TimeSpan age, string issuer, params string[] trusted)
    {
        var at = _seen.Now - age;
        _secrets[secret] = new SecretView
        {
            Name = secret,
            OwnerUid = Given.Uid,
            Certificate = Certificate($"{secret} of {issuer}", issuer, TimeSpan.FromDays(90)) with
            {
                SubjectNames = secret switch
                {
                    "store-server-tls" => CertificateNames.ServerSubjects(_seen.Cluster),
                    "store-peer-tls" => CertificateNames.PeerSubjects(_seen.Cluster),
                    _ => [],
                },
            },
            Trusted = [.. trusted],
            TrustChangedAt = at,
            CertificateChangedAt = at,
        };
        _shown.Add((at, secret, issuer, [.. trusted]));
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
            foreach (var other in visible.Where(other => Peers.Leaves.Contains(one.Secret) == Peers.Leaves.Contains(other.Secret)))
                Assert.True(other.Trusted.Contains(one.Issuer), $"{other.Secret} does not trust {one.Issuer}, which signed {one.Secret}");
    }

    private CertificateView Certificate(string digest, string? issuer, TimeSpan lifetime) => new(digest, issuer, _seen.Now, _seen.Now + lifetime, []);
}
