using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Raft.Server.Options;

namespace Raft.Server.Tests;

/// <summary>Which certificates have a name that is allowed, as etcd judges it.</summary>
public sealed class AllowedNamesTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData("member", true)]
    [InlineData("Member", false)]
    [InlineData("member ", false)]
    [InlineData("member.example", false)]
    [InlineData("", false)]
    public void A_common_name_is_compared_letter_by_letter(string name, bool isAllowed) =>
        Assert.Equal(isAllowed, new AllowedNames(["spare", "member"], []).Admit(Certificate([name], [])));

    [Fact]
    public void Of_several_common_names_the_last_one_counts()
    {
        var allowed = new AllowedNames(["member"], []);
        Assert.True(allowed.Admit(Certificate(["alice", "member"], [])));
        Assert.False(allowed.Admit(Certificate(["member", "alice"], [])));
    }

    [Fact]
    public void A_certificate_without_a_common_name_has_none_that_is_allowed() =>
        Assert.False(new AllowedNames(["member"], []).Admit(Certificate([], ["member"])));

    [Theory]
    [InlineData("a.members.test", "a.members.test", true)]
    [InlineData("A.Members.test", "a.members.test", true)]
    [InlineData("a.members.test", "*.members.test", true)]
    [InlineData("a.b.members.test", "*.members.test", false)]
    [InlineData("members.test", "*.members.test", false)]
    [InlineData("a.members.test", "b.members.test", false)]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("::1", "::1", true)]
    public void A_host_name_is_covered_as_that_of_a_server_is(string allowed, string covered, bool isAllowed) =>
        Assert.Equal(isAllowed, new AllowedNames([], ["spare.test", allowed]).Admit(Certificate(["alice"], [covered])));

    [Fact]
    public void A_common_name_is_no_host_name() =>
        Assert.False(new AllowedNames([], ["a.members.test"]).Admit(Certificate(["a.members.test"], [])));

    [Fact]
    public void Names_that_cannot_be_read_are_not_allowed()
    {
        var request = new CertificateRequest(new X500DistinguishedName("CN=alice"), _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", [1, 2, 3], critical: false));
        Assert.False(new AllowedNames([], ["a.members.test"]).Admit(SelfSigned(request)));
    }

    [Fact]
    public void Without_names_every_certificate_is_allowed() => Assert.True(AllowedNames.Any.Admit(Certificate([], [])));

    private X509Certificate2 Certificate(string[] commonNames, string[] alternativeNames)
    {
        var request = new CertificateRequest(Subject(commonNames), _key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in alternativeNames)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(name);
            }
        }

        if (alternativeNames.Length > 0)
        {
            request.CertificateExtensions.Add(names.Build());
        }

        return SelfSigned(request);
    }

    private static X509Certificate2 SelfSigned(CertificateRequest request) =>
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));

    /// <summary>The names in the order in which they stand in the certificate, which the textual form turns around.</summary>
    private static X500DistinguishedName Subject(string[] commonNames)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var name in commonNames)
            {
                using (writer.PushSetOf())
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("2.5.4.3");
                    writer.WriteCharacterString(UniversalTagNumber.UTF8String, name);
                }
            }
        }

        return new(writer.Encode());
    }
}
