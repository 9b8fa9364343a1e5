using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Raft.Server.Tests;

/// <summary>An authority for the certificates of one test.</summary>
internal sealed class TestAuthority : IDisposable
{
    public const string ForServers = "1.3.6.1.5.5.7.3.1";
    public const string ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>Writes NAME.crt and NAME.key, for this machine, as server and client unless told; each file is replaced whole.</summary>
    public void Issue(string folder, string name, params string[] uses) =>
        Issue(folder, name, uses.Length == 0 ? [ForServers, ForClients] : uses, []);

    /// <summary>The same, for this machine and the other names, as server and client.</summary>
    public void IssueFor(string folder, string name, params string[] otherNames) => Issue(folder, name, [ForServers, ForClients], otherNames);

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private void Issue(string folder, string name, string[] uses, string[] otherNames)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        foreach (var host in otherNames.Prepend("localhost"))
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], false));
        using var certificate = request.Create(
            Certificate, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        Replace(Path.Combine(folder, name + ".crt"), certificate.ExportCertificatePem());
        Replace(Path.Combine(folder, name + ".key"), key.ExportPkcs8PrivateKeyPem());
    }

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
