using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Raft.Operator.Effects.Certificates;

namespace Raft.Operator.Effects.Tests;

public sealed class CertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_leaf_is_trusted_through_its_authority_and_through_no_other()
    {
        var authority = CertificateFactory.Authority("one", Now, TimeSpan.FromDays(100));
        var other = CertificateFactory.Authority("two", Now, TimeSpan.FromDays(100));
        var leaf = CertificateFactory.Leaf(authority, "leaf", ["*.store-peers.space.svc", "127.0.0.1"], Now, TimeSpan.FromDays(10));
        Assert.True(Trusted(leaf, authority));
        Assert.False(Trusted(leaf, other));
    }

    [Fact]
    public void A_leaf_ends_no_later_than_its_authority()
    {
        var authority = CertificateFactory.Authority("one", Now, TimeSpan.FromDays(5));
        using var leaf = X509Certificate2.CreateFromPem(CertificateFactory.Leaf(authority, "leaf", [], Now, TimeSpan.FromDays(90)).CertificatePem);
        Assert.True(leaf.NotAfter.ToUniversalTime() <= Now.UtcDateTime + TimeSpan.FromDays(5));
    }

    [Fact]
    public void A_secret_is_read_without_its_key_and_rubbish_in_it_counts_as_absent()
    {
        var authority = CertificateFactory.Authority("one", Now, TimeSpan.FromDays(100));
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "store-ca" },
            Data = new Dictionary<string, byte[]>
            {
                ["tls.crt"] = Encoding.UTF8.GetBytes(authority.CertificatePem),
                ["ca.crt"] = Encoding.UTF8.GetBytes(authority.CertificatePem),
                ["next.crt"] = [1, 2, 3],
            },
        };
        var view = SecretReader.Read(secret);
        Assert.Equal(Now + TimeSpan.FromDays(100), view.Certificate!.NotAfter);
        Assert.Equal([view.Certificate.Digest], view.Trusted);
        Assert.Null(view.NextAuthority);
    }

    private static bool Trusted(CertificateFactory.Pair leaf, CertificateFactory.Pair authority)
    {
        using var certificate = X509Certificate2.CreateFromPem(leaf.CertificatePem);
        using var root = X509Certificate2.CreateFromPem(authority.CertificatePem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Now.UtcDateTime + TimeSpan.FromHours(1);
        chain.ChainPolicy.CustomTrustStore.Add(root);
        return chain.Build(certificate);
    }
}
