using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Raft.Server.Tests;

/// <summary>Only holders of the right certificates get in, and a renewed certificate is used without a restart.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");
    private readonly Authority _authority = new("test authority");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Clients_and_members_need_certificates_of_the_authority()
    {
        await using var cluster = await StartAsync();
        var endpoint = cluster.Members[0].ClientUrl;
        string[] trusted = ["--cacert", File_("ca.crt"), "--cert", File_("tls.crt"), "--key", File_("tls.key")];

        await Etcdctl.RunAsync(endpoint, [.. trusted, "put", "a", "1"]);
        var (withoutCertificate, _) = await Etcdctl.TryAsync(endpoint, "--cacert", File_("ca.crt"), "--command-timeout=2s", "get", "a");
        using var stranger = new Authority("stranger");
        stranger.Issue(_folder.FullName, "stranger");
        var (withStrangers, _) = await Etcdctl.TryAsync(
            endpoint, "--cacert", File_("ca.crt"), "--cert", File_("stranger.crt"), "--key", File_("stranger.key"), "--command-timeout=2s", "get", "a");

        Assert.NotEqual(0, withoutCertificate);
        Assert.NotEqual(0, withStrangers);
    }

    [Fact]
    public async Task A_certificate_for_servers_only_is_refused_from_a_client()
    {
        await using var cluster = await StartAsync();
        _authority.Issue(_folder.FullName, "server", Authority.ForServers);
        _authority.Issue(_folder.FullName, "client", Authority.ForClients);
        var endpoint = cluster.Members[0].ClientUrl;
        string[] As(string name) => ["--cacert", File_("ca.crt"), "--cert", File_($"{name}.crt"), "--key", File_($"{name}.key"), "--command-timeout=2s"];

        Assert.NotEqual(0, (await Etcdctl.TryAsync(endpoint, [.. As("server"), "get", "a"])).ExitCode);
        Assert.Equal(0, (await Etcdctl.TryAsync(endpoint, [.. As("client"), "get", "a"])).ExitCode);
    }

    [Fact]
    public async Task The_common_name_of_a_certificate_is_the_user()
    {
        await using var cluster = await StartAsync();
        _authority.Issue(_folder.FullName, "alice");
        var endpoint = cluster.Members[1].ClientUrl;
        string[] As(string name) => ["--cacert", File_("ca.crt"), "--cert", File_($"{name}.crt"), "--key", File_($"{name}.key")];
        string[][] preparation =
        [
            ["user", "add", "--no-password", "root"], ["user", "grant-role", "root", "root"],
            ["user", "add", "--no-password", "tls"], ["user", "grant-role", "tls", "root"],
            ["role", "add", "app"], ["role", "grant-permission", "app", "readwrite", "a"],
            ["user", "add", "--no-password", "alice"], ["user", "grant-role", "alice", "app"], ["auth", "enable"],
        ];
        foreach (var step in preparation)
        {
            await Etcdctl.RunAsync(endpoint, [.. As("tls"), .. step]);
        }

        await Etcdctl.RunAsync(endpoint, [.. As("alice"), "put", "a", "1"]);
        var (exitCode, output) = await Etcdctl.TryAsync(endpoint, [.. As("alice"), "put", "b", "1"]);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("permission denied", output, StringComparison.Ordinal);
        await Etcdctl.RunAsync(endpoint, [.. As("tls"), "put", "b", "1"]);
        Assert.Equal("alice\nroot\ntls\n", await Etcdctl.RunAsync(endpoint, [.. As("tls"), "user", "list"]));
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        await using var cluster = await StartAsync();
        var first = await ShownAsync(cluster.Members[0]);

        _authority.Issue(_folder.FullName, "tls");

        await LocalCluster.UntilAsync("the new certificate is shown", cluster.Members[0], async () => await ShownAsync(cluster.Members[0]) != first);
    }

    [Fact]
    public async Task A_key_that_does_not_match_its_certificate_is_refused_at_start()
    {
        _authority.Issue(_folder.FullName, "tls");
        using (var other = new Authority("other"))
        {
            other.Issue(_folder.FullName, "other");
        }

        var (exitCode, output) = await ServerProcess.RunToEndAsync(
            "--listen-client-urls=https://127.0.0.1:1", $"--cert-file={File_("tls.crt")}", $"--key-file={File_("other.key")}",
            $"--data-dir={_folder.FullName}/data");

        Assert.Equal(65, exitCode);
        Assert.Contains("cannot be used with the key", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"{_folder.FullName}/data"));
    }

    private async Task<LocalCluster> StartAsync()
    {
        await File.WriteAllTextAsync(File_("ca.crt"), _authority.Certificate.ExportCertificatePem());
        _authority.Issue(_folder.FullName, "tls");
        var cluster = LocalCluster.Prepare(3);
        cluster.Members.ForEach(member => member.Scheme = "https");
        foreach (var member in cluster.Members)
        {
            cluster.Start(
                member, "new",
                $"--cert-file={File_("tls.crt")}", $"--key-file={File_("tls.key")}", $"--trusted-ca-file={File_("ca.crt")}", "--client-cert-auth",
                $"--peer-cert-file={File_("tls.crt")}", $"--peer-key-file={File_("tls.key")}", $"--peer-trusted-ca-file={File_("ca.crt")}",
                "--peer-client-cert-auth");
        }

        return await cluster.ReadyAsync();
    }

    private async Task<string> ShownAsync(LocalMember member)
    {
        var url = new Uri(member.ClientUrl);
        using var client = new System.Net.Sockets.TcpClient(url.Host, url.Port);
        using var own = X509Certificate2.CreateFromPemFile(File_("tls.crt"), File_("tls.key"));
        await using var tls = new System.Net.Security.SslStream(client.GetStream());
        var onlyOurs = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        onlyOurs.CustomTrustStore.Add(_authority.Certificate);
        await tls.AuthenticateAsClientAsync(new System.Net.Security.SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ClientCertificates = [own],
            CertificateChainPolicy = onlyOurs,
        });
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    private string File_(string name) => Path.Combine(_folder.FullName, name);

    private sealed class Authority : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public Authority(string name)
        {
            var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        }

        public X509Certificate2 Certificate { get; }

        public const string ForServers = "1.3.6.1.5.5.7.3.1";
        public const string ForClients = "1.3.6.1.5.5.7.3.2";

        /// <summary>Writes NAME.crt and NAME.key, for this machine, as server and client unless told; each file is replaced whole.</summary>
        public void Issue(string folder, string name, params string[] uses)
        {
            if (uses.Length == 0) uses = [ForServers, ForClients];
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddIpAddress(System.Net.IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], false));
            using var certificate = request.Create(
                Certificate, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
            Replace(Path.Combine(folder, name + ".crt"), certificate.ExportCertificatePem());
            Replace(Path.Combine(folder, name + ".key"), key.ExportPkcs8PrivateKeyPem());
        }

        public void Dispose()
        {
            Certificate.Dispose();
            _key.Dispose();
        }

        private static void Replace(string path, string text)
        {
            File.WriteAllText(path + ".new", text);
            File.Move(path + ".new", path, overwrite: true);
        }
    }
}
