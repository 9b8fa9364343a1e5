using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

public sealed class TlsTests
{
    private static readonly X509Certificate2 Authority = NewAuthority("ours");
    private static readonly X509Certificate2 Stranger = NewAuthority("theirs");

    [Fact]
    public async Task Members_with_certificates_of_one_authority_talk()
    {
        await using var one = await TestMember.StartAsync(Options(One) with { ClientTls = () => Tls(Issue(Authority)) });
        await using var two = await TestMember.StartAsync(Options(Two), listen: ListenTls);
        one.Knows((Two, [$"https://localhost:{two.Port}"]));
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        one.Transport.Send([Heartbeat(5)]);
        Assert.Equal(5UL, (await two.Inbox.NextAsync()).Context);
    }

    [Fact]
    public async Task A_certificate_that_does_not_match_is_refused_until_it_is_replaced()
    {
        var authority = Stranger;
        await using var one = await TestMember.StartAsync(Options(One) with { ClientTls = () => Tls(Issue(authority)) });
        await using var two = await TestMember.StartAsync(Options(Two), listen: ListenTls);
        one.Knows((Two, [$"https://localhost:{two.Port}"]));
        await one.Log.SaysAsync("No connection to peer 2222");
        Assert.False(one.Transport.IsConnected(Two));
        authority = Authority;
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected with the new certificate");
    }

    [Fact]
    public async Task A_member_that_speaks_no_tls_is_a_clear_error()
    {
        await using var one = await TestMember.StartAsync(Options(One) with { ClientTls = () => Tls(Issue(Authority)) });
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows((Two, [$"https://localhost:{two.Port}"]));
        await one.Log.SaysAsync($"No connection to peer 2222 for messages: https://localhost:{two.Port}");
    }

    private static void ListenTls(ListenOptions options) => options.UseHttps(https =>
    {
        https.ServerCertificate = Issue(Authority);
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, _, _) => IsOurs(certificate);
    });

    private static SslClientAuthenticationOptions Tls(X509Certificate2 certificate) => new()
    {
        ClientCertificates = [certificate],
        RemoteCertificateValidationCallback = (_, remote, _, _) => remote is X509Certificate2 server && IsOurs(server),
    };

    private static bool IsOurs(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        return chain.Build(certificate);
    }

    private static X509Certificate2 NewAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(5), RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
