using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Protocol.V1;

namespace Raft.Server.Tests;

/// <summary>
/// Only members speak on the peer port. Whoever gets in there is believed everything: votes, entries, and in whose name a request is.
/// </summary>
public sealed class PeerPortTests : IDisposable
{
    private const string Refusal = "it has none of the names that are allowed";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");
    private readonly TestAuthority _authority = new("authority");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("--peer-cert-allowed-cn=spare,member")]
    [InlineData("--peer-cert-allowed-hostname=spare.test,b.members.test")]
    public async Task A_client_of_the_members_authority_is_refused_unless_it_has_a_members_name(string allowed)
    {
        await using var cluster = Prepare(3);
        _authority.IssueFor(_folder.FullName, "member", "*.members.test");
        _authority.IssueFor(_folder.FullName, "alice", "alice.test");
        cluster.Members.ForEach(member => Start(cluster, member, "member", "ca.crt", allowed));
        await cluster.ReadyAsync();

        await AssertOnlyMembersSpeakAsync(cluster.Members[0], _authority);

        Assert.Contains("CN=alice is refused", cluster.Members[0].Process!.Output, StringComparison.Ordinal);
        Assert.Contains(Refusal, cluster.Members[0].Process!.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_members_have_an_authority_of_their_own_clients_are_refused_and_members_are_no_clients()
    {
        await using var cluster = Prepare(3);
        using var members = new TestAuthority("members' authority");
        await File.WriteAllTextAsync(File_("members.crt"), members.Certificate.ExportCertificatePem(), Stop);
        _authority.Issue(_folder.FullName, "alice");
        members.Issue(_folder.FullName, "member");
        cluster.Members.ForEach(member => Start(cluster, member, "member", "members.crt"));
        await cluster.ReadyAsync();

        await AssertOnlyMembersSpeakAsync(cluster.Members[0], members);

        await Etcdctl.RunAsync(cluster.Members[0].ClientUrl, [.. As("alice"), "get", "a"]);
        Assert.NotEqual(0, (await Etcdctl.TryAsync(cluster.Members[0].ClientUrl, [.. As("member"), "get", "a"])).ExitCode);
    }

    /// <summary>
    /// How the operator gives the members of a running cluster an authority of their own: they trust the new one, show its certificates,
    /// forget the old one. Files reach the members one by one, and any of them may start again at any time.
    /// </summary>
    [Fact]
    public async Task Members_go_over_to_an_authority_of_their_own_one_by_one()
    {
        await using var cluster = Prepare(3);
        using var members = new TestAuthority("members' authority");
        _authority.Issue(_folder.FullName, "alice");
        _authority.Issue(_folder.FullName, "old");
        members.Issue(_folder.FullName, "new");
        var (old, own) = (_authority.Certificate.ExportCertificatePem(), members.Certificate.ExportCertificatePem());
        (string Name, string Trusted)[] stages = [("old", old), ("old", $"{own}\n{old}"), ("new", $"{own}\n{old}"), ("new", own)];
        foreach (var member in cluster.Members)
        {
            Mount(member, stages[0]);
            Start(cluster, member, $"{member.Name}-tls", $"{member.Name}-ca.crt");
        }

        await cluster.ReadyAsync();
        Assert.NotEmpty((await MembersAsync(cluster.Members[0], "alice", _authority)).Members);
        foreach (var stage in stages[1..])
        {
            foreach (var member in cluster.Members)
            {
                Mount(member, stage);
                await member.Process!.TerminateAsync();
                Start(cluster, member, $"{member.Name}-tls", $"{member.Name}-ca.crt");
                await cluster.UntilReadyAsync(member);
                foreach (var other in cluster.Members.Where(other => other != member))
                {
                    await UntilConnectedAsync(member, other);
                    await UntilConnectedAsync(other, member);
                }
            }
        }

        await Assert.ThrowsAsync<RpcException>(() => MembersAsync(cluster.Members[0], "alice", members));
        await Etcdctl.RunAsync(cluster.Endpoints, [.. As("alice"), "put", "a", "1"]);

        void Mount(LocalMember member, (string Name, string Trusted) stage)
        {
            File.Copy(File_($"{stage.Name}.crt"), File_($"{member.Name}-tls.crt"), overwrite: true);
            File.Copy(File_($"{stage.Name}.key"), File_($"{member.Name}-tls.key"), overwrite: true);
            File.WriteAllText(File_($"{member.Name}-ca.crt"), stage.Trusted);
        }
    }

    [Fact]
    public async Task A_member_takes_only_a_member_for_one_that_it_calls()
    {
        await using var cluster = Prepare(3);
        _authority.Issue(_folder.FullName, "member");
        _authority.Issue(_folder.FullName, "alice");
        var (caller, impostor) = (cluster.Members[0], cluster.Members[2]);
        cluster.Members[..2].ForEach(member => Start(cluster, member, "member", "ca.crt", "--peer-cert-allowed-cn=member"));
        foreach (var member in cluster.Members[..2])
        {
            await cluster.UntilReadyAsync(member);
        }

        Start(cluster, impostor, "alice", "ca.crt");

        // The impostor lets everybody in, so it is the caller who refuses.
        await LocalCluster.UntilAsync("the caller refuses what it sees", caller, () => Task.FromResult(caller.Process!.Output.Split('\n').Any(line =>
            line.Contains(impostor.PeerUrl, StringComparison.Ordinal) && line.Contains("The remote certificate was rejected", StringComparison.Ordinal))));
        Assert.DoesNotContain(caller.Process!.Output.Split('\n'), line =>
            line.Contains("Connected to peer", StringComparison.Ordinal) && line.Contains(impostor.PeerUrl, StringComparison.Ordinal));
    }

    /// <summary>Waits until the last thing that one said of its way to the other is that it is there.</summary>
    private static Task UntilConnectedAsync(LocalMember one, LocalMember other) => LocalCluster.UntilAsync(
        $"{one.Name} is connected to {other.Name}", one,
        () => Task.FromResult(one.Process!.Output.Split('\n').LastOrDefault(line => line.Contains(other.PeerUrl, StringComparison.Ordinal))
            ?.Contains("Connected to peer", StringComparison.Ordinal) == true));

    /// <summary>gRPC and a stream of frames alike: served to "member", refused to "alice".</summary>
    private async Task AssertOnlyMembersSpeakAsync(LocalMember member, TestAuthority authority)
    {
        var known = await MembersAsync(member, "member", authority);
        var to = known.Members.Single(listed => listed.PeerURLs.Contains(member.PeerUrl)).ID;
        var hello = new PeerFrame { ClusterId = known.ClusterId, From = known.Members.First(listed => listed.ID != to).ID, To = to };

        var answer = await SayAsync(hello, member, "member", authority);
        Assert.Equal(to, answer?.Member);
        Assert.Null(answer!.Refusal);

        Assert.Null(await SayAsync(hello, member, "alice", authority));
        await Assert.ThrowsAsync<RpcException>(() => MembersAsync(member, "alice", authority));
    }

    private async Task<MembersResponse> MembersAsync(LocalMember member, string name, TestAuthority authority)
    {
        using var handler = new SocketsHttpHandler { SslOptions = Tls(name, authority) };
        using var channel = GrpcChannel.ForAddress(member.PeerUrl, new() { HttpHandler = handler });
        return await new Peer.PeerClient(channel).MembersAsync(new(), cancellationToken: Stop);
    }

    /// <summary>Opens a stream as a member does; null: the connection was closed without an answer.</summary>
    private async Task<PeerReply?> SayAsync(PeerFrame hello, LocalMember member, string name, TestAuthority authority)
    {
        var url = new Uri(member.PeerUrl);
        using var client = new TcpClient(url.Host, url.Port);
        await using var tls = new SslStream(client.GetStream());
        var bytes = hello.ToByteArray();
        var length = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(length, (uint)bytes.Length);
        try
        {
            var options = Tls(name, authority);
            options.TargetHost = url.Host;
            await tls.AuthenticateAsClientAsync(options, Stop);
            await tls.WriteAsync((byte[])[.. "RAFT/1\r\n"u8, .. length, .. bytes], Stop);
            await tls.ReadExactlyAsync(length, Stop);
            bytes = new byte[BinaryPrimitives.ReadUInt32BigEndian(length)];
            await tls.ReadExactlyAsync(bytes, Stop);
            return PeerReply.Parser.ParseFrom(bytes);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Shows NAME.crt, and trusts the authority alone.</summary>
    private SslClientAuthenticationOptions Tls(string name, TestAuthority authority)
    {
        var onlyOurs = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        onlyOurs.CustomTrustStore.Add(authority.Certificate);
        return new()
        {
            ClientCertificates = [X509Certificate2.CreateFromPemFile(File_($"{name}.crt"), File_($"{name}.key"))],
            CertificateChainPolicy = onlyOurs,
        };
    }

    private string[] As(string name) =>
        ["--cacert", File_("ca.crt"), "--cert", File_($"{name}.crt"), "--key", File_($"{name}.key"), "--command-timeout=5s"];

    private LocalCluster Prepare(int size)
    {
        File.WriteAllText(File_("ca.crt"), _authority.Certificate.ExportCertificatePem());
        _authority.Issue(_folder.FullName, "server");
        var cluster = LocalCluster.Prepare(size);
        cluster.Members.ForEach(member => member.Scheme = "https");
        return cluster;
    }

    /// <summary>A member that shows NAME.crt to the others, and trusts the authority in a file.</summary>
    private void Start(LocalCluster cluster, LocalMember member, string name, string trusted, params string[] further) => cluster.Start(
        member, "new",
        [
            $"--cert-file={File_("server.crt")}", $"--key-file={File_("server.key")}", $"--trusted-ca-file={File_("ca.crt")}", "--client-cert-auth",
            $"--peer-cert-file={File_($"{name}.crt")}", $"--peer-key-file={File_($"{name}.key")}", $"--peer-trusted-ca-file={File_(trusted)}",
            "--peer-client-cert-auth", .. further,
        ]);

    private string File_(string name) => Path.Combine(_folder.FullName, name);
}
