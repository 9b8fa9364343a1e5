using System.Security.Cryptography.X509Certificates;

namespace Raft.Server.Tests;

/// <summary>Only holders of the right certificates get in, and a renewed certificate is used without a restart.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");
    private readonly TestAuthority _authority = new("test authority");

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
        using var stranger = new TestAuthority("stranger");
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
        _authority.Issue(_folder.FullName, "server", TestAuthority.ForServers);
        _authority.Issue(_folder.FullName, "client", TestAuthority.ForClients);
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
    public async Task A_client_needs_one_of_the_host_names_that_are_allowed()
    {
        await using var cluster = await StartAsync("--client-cert-allowed-hostname=spare.test,web.clients.test");
        _authority.IssueFor(_folder.FullName, "inside", "*.clients.test");
        _authority.IssueFor(_folder.FullName, "outside", "web.others.test");
        var endpoint = cluster.Members[0].ClientUrl;
        string[] As(string name) => ["--cacert", File_("ca.crt"), "--cert", File_($"{name}.crt"), "--key", File_($"{name}.key"), "--command-timeout=2s"];

        Assert.Equal(0, (await Etcdctl.TryAsync(endpoint, [.. As("inside"), "get", "a"])).ExitCode);
        Assert.NotEqual(0, (await Etcdctl.TryAsync(endpoint, [.. As("outside"), "get", "a"])).ExitCode);
    }

    [Fact]
    public async Task A_key_that_does_not_match_its_certificate_is_refused_at_start()
    {
        _authority.Issue(_folder.FullName, "tls");
        using (var other = new TestAuthority("other"))
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

    private async Task<LocalCluster> StartAsync(params string[] further)
    {
        await File.WriteAllTextAsync(File_("ca.crt"), _authority.Certificate.ExportCertificatePem());
        _authority.Issue(_folder.FullName, "tls");
        var cluster = LocalCluster.Prepare(3);
        cluster.Members.ForEach(member => member.Scheme = "https");
        foreach (var member in cluster.Members)
        {
            cluster.Start(
                member, "new",
                [$"--cert-file={File_("tls.crt")}", $"--key-file={File_("tls.key")}", $"--trusted-ca-file={File_("ca.crt")}", "--client-cert-auth",
                $"--peer-cert-file={File_("tls.crt")}", $"--peer-key-file={File_("tls.key")}", $"--peer-trusted-ca-file={File_("ca.crt")}",
                "--peer-client-cert-auth", .. further]);
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
}
