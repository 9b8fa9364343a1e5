using System.Security.Cryptography;
using Grpc.Net.Client;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Server.Tests;

/// <summary>What is wrong is said clearly, and the data stays as it was.</summary>
public sealed class StartTests : IDisposable
{
    private const int BadSettings = 64;
    private const int CannotStart = 65;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("--no-such-flag=1", "--no-such-flag")]
    [InlineData("--election-timeout=100", "must be at least five times --heartbeat-interval")]
    [InlineData("--heartbeat-interval=soon", "'soon' is no whole number")]
    [InlineData("--corrupt-check-time=often", "'often' must be 0 or a duration")]
    [InlineData("--listen-client-urls=127.0.0.1:2379", "write http://host:port")]
    [InlineData("--cert-file=/nowhere.crt", "--cert-file and --key-file: give both or neither")]
    [InlineData("--peer-cert-allowed-cn=a", "--peer-cert-allowed-cn: needs --peer-client-cert-auth")]
    [InlineData("--peer-cert-allowed-hostname=a.test", "--peer-cert-allowed-hostname: whoever comes by http shows no certificate")]
    [InlineData("--client-cert-allowed-hostname=a.test", "--client-cert-allowed-hostname: needs --client-cert-auth")]
    [InlineData("--peer-cert-allowed-hostname=a.test,*.b.test", "'*.b.test' is neither a host name nor an address")]
    [InlineData("--peer-cert-allowed-cn=,", "',' names nobody")]
    [InlineData("--initial-cluster=other=http://localhost:2380", "--initial-cluster: must name default")]
    [InlineData("--initial-cluster-state=maybe", "none of new, existing, await")]
    [InlineData("--config-file=/nowhere.yaml", "'/nowhere.yaml' cannot be read")]
    public async Task A_wrong_setting_is_named(string flag, string expected)
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync(flag, $"--data-dir={_folder.FullName}/data");

        Assert.Equal(BadSettings, exitCode);
        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "data")));
    }

    [Fact]
    public async Task All_wrong_settings_are_named_at_once()
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync("--snapshot-count=0", "--log-level=loud");

        Assert.Equal(BadSettings, exitCode);
        Assert.Contains("--snapshot-count", output, StringComparison.Ordinal);
        Assert.Contains("--log-level", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_are_known_by_common_names_or_by_host_names_but_not_by_both()
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync("--peer-cert-allowed-cn=a", "--peer-cert-allowed-hostname=a.test");

        Assert.Equal(BadSettings, exitCode);
        Assert.Contains("--peer-cert-allowed-cn and --peer-cert-allowed-hostname: give one of them", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_port_without_tls_beside_one_that_asks_for_names_is_refused()
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync(
            "--listen-peer-urls=https://127.0.0.1:1,http://127.0.0.1:2", "--peer-client-cert-auth", "--peer-cert-allowed-cn=a");

        Assert.Equal(BadSettings, exitCode);
        Assert.Contains("--peer-cert-allowed-cn: whoever comes by http shows no certificate; listen on https", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelt_flag_hides_no_other_problem()
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync("--no-such-flag=1", "--heartbeat-interval=soon", "--config-file");

        Assert.Equal(BadSettings, exitCode);
        Assert.Contains("--no-such-flag", output, StringComparison.Ordinal);
        Assert.Contains("'soon' is no whole number", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_line_that_says_why_it_cannot_start_looks_like_all_others()
    {
        var file = Path.Combine(_folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        var (exitCode, output) = await ServerProcess.RunToEndAsync($"--data-dir={file}", "--log-format=json");

        Assert.Equal(CannotStart, exitCode);
        Assert.All(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("{\"Timestamp\":\"", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_data_directory_that_is_something_else_is_left_alone()
    {
        var diary = Path.Combine(_folder.FullName, "diary.txt");
        await File.WriteAllTextAsync(diary, "dear diary", TestContext.Current.CancellationToken);

        var (exitCode, output) = await StartAloneAsync(_folder.FullName);

        Assert.Equal(CannotStart, exitCode);
        Assert.Contains("holds no identity file", output, StringComparison.Ordinal);
        Assert.Equal("dear diary", await File.ReadAllTextAsync(diary, TestContext.Current.CancellationToken));
        Assert.Equal([diary], Directory.GetFileSystemEntries(_folder.FullName));
    }

    [Fact]
    public async Task A_data_directory_that_is_a_file_is_reported()
    {
        var file = Path.Combine(_folder.FullName, "data");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        var (exitCode, output) = await StartAloneAsync(file);

        Assert.Equal(CannotStart, exitCode);
        Assert.Contains("cannot be used", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_log_stops_the_member_and_is_not_touched()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var member = cluster.Members[0];
        for (var i = 0; i < 20; i++)
        {
            await Etcdctl.RunAsync(cluster.Endpoints, "put", $"key{i}", new string('x', 1000));
        }

        await member.Process!.KillAsync();
        var segment = Directory.GetFiles(Path.Combine(member.DataDirectory, "log")).Order(StringComparer.Ordinal).First();
        var bytes = await File.ReadAllBytesAsync(segment, TestContext.Current.CancellationToken);
        bytes[6000] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes, TestContext.Current.CancellationToken);
        var before = ContentOf(member.DataDirectory);

        var (exitCode, output) = await StartAloneAsync(member.DataDirectory);

        Assert.Equal(CannotStart, exitCode);
        Assert.Contains(Path.GetFileName(segment), output, StringComparison.Ordinal);
        Assert.Equal(before, ContentOf(member.DataDirectory));
    }

    [Fact]
    public async Task Two_processes_cannot_share_a_data_directory()
    {
        await using var cluster = await LocalCluster.StartAsync(1);

        var (exitCode, output) = await StartAloneAsync(cluster.Members[0].DataDirectory);

        Assert.Equal(CannotStart, exitCode);
        Assert.Contains("in use by another process", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_is_not_in_the_running_cluster_is_told_to_be_added_first()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var stranger = cluster.Add("stranger");

        cluster.Start(stranger, "existing");

        Assert.Equal(CannotStart, await stranger.Process!.WaitForExitAsync());
        Assert.Contains("Add it first", stranger.Process.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_founder_that_lost_its_data_is_refused_and_the_others_go_on(bool othersStartAnew)
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var lost = cluster.Members[2];
        var others = cluster.Members[..2];
        await UntilPublishedAsync(cluster, lost);
        foreach (var member in othersStartAnew ? cluster.Members : [lost])
        {
            await member.Process!.KillAsync();
        }

        Directory.Delete(lost.DataDirectory, recursive: true);
        if (othersStartAnew)
        {
            others.ForEach(member => cluster.Start(member, "new"));
            foreach (var member in others)
            {
                await cluster.UntilReadyAsync(member);
            }
        }

        cluster.Start(lost, "new");

        Assert.Equal(CannotStart, await lost.Process!.WaitForExitAsync());
        Assert.Contains("Member c (", lost.Process.Output, StringComparison.Ordinal);
        Assert.Contains("has been started before", lost.Process.Output, StringComparison.Ordinal);
        Assert.Contains(others, member => lost.Process.Output.Contains($"member {member.Name} at {member.PeerUrl}", StringComparison.Ordinal));
        Assert.Contains("etcdctl member remove", lost.Process.Output, StringComparison.Ordinal);
        Assert.Equal(["lock"], Directory.GetFileSystemEntries(lost.DataDirectory).Select(Path.GetFileName));
        await Etcdctl.RunAsync(string.Join(',', others.Select(member => member.ClientUrl)), "put", "key", "value");
    }

    [Fact]
    public async Task A_founder_that_lost_its_data_before_there_was_a_leader_is_refused_too()
    {
        await using var cluster = LocalCluster.Prepare(5);
        var (lost, other) = (cluster.Members[0], cluster.Members[1]);
        cluster.Start(lost, "new");
        cluster.Start(other, "new");
        using var channel = GrpcChannel.ForAddress(other.PeerUrl);
        await LocalCluster.UntilAsync("the other was called", other, async () => (await new Peer.PeerClient(channel).MembersAsync(new())).Heard.Count > 0);
        await lost.Process!.KillAsync();
        Directory.Delete(lost.DataDirectory, recursive: true);

        cluster.Start(lost, "new");

        Assert.Equal(CannotStart, await lost.Process.WaitForExitAsync());
        Assert.Contains("has been started before", lost.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_founder_that_was_removed_is_told_so_and_comes_back_as_a_new_member()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var removed = cluster.Members[2];
        var others = string.Join(',', cluster.Members[..2].Select(member => member.ClientUrl));
        var id = (await MembersAsync(cluster, cluster.Members[0])).Single(member => member.Name == removed.Name).ID;
        await removed.Process!.KillAsync();
        Directory.Delete(removed.DataDirectory, recursive: true);
        await Etcdctl.RunAsync(others, "member", "remove", $"{id:x}");

        cluster.Start(removed, "new");

        Assert.Equal(CannotStart, await removed.Process.WaitForExitAsync());
        Assert.Contains("was removed from the cluster", removed.Process.Output, StringComparison.Ordinal);
        await Etcdctl.RunAsync(others, "member", "add", removed.Name, $"--peer-urls={removed.PeerUrl}");
        cluster.Start(removed, "existing");
        await cluster.UntilReadyAsync(removed);
    }

    [Fact]
    public async Task A_founder_may_start_for_the_first_time_when_the_others_serve_already()
    {
        await using var cluster = LocalCluster.Prepare(3);
        var late = cluster.Members[2];
        var others = cluster.Members[..2];
        others.ForEach(member => cluster.Start(member, "new"));
        foreach (var member in others)
        {
            await cluster.UntilReadyAsync(member);
        }

        await Etcdctl.RunAsync(string.Join(',', others.Select(member => member.ClientUrl)), "put", "key", "value");

        cluster.Start(late, "new");

        await cluster.UntilReadyAsync(late);
        Assert.Contains("value", await Etcdctl.RunAsync(late.ClientUrl, "get", "key"), StringComparison.Ordinal);
        await UntilPublishedAsync(cluster, late);
    }

    /// <summary>Waits until every member that runs knows where the member serves clients, which it publishes when it has started.</summary>
    private static async Task UntilPublishedAsync(LocalCluster cluster, LocalMember member)
    {
        foreach (var asked in cluster.Members)
        {
            await LocalCluster.UntilAsync($"{member.Name} is known to {asked.Name} as started", asked, async () =>
                (await MembersAsync(cluster, asked)).Single(listed => listed.Name == member.Name).ClientURLs.Count > 0);
        }
    }

    private static async Task<IEnumerable<Member>> MembersAsync(LocalCluster cluster, LocalMember asked) =>
        (await new Cluster.ClusterClient(cluster.Channel(asked)).MemberListAsync(new() { Linearizable = true })).Members;

    /// <summary>Every file below a folder, the store's too, with a digest of what it holds.</summary>
    private static SortedDictionary<string, string> ContentOf(string folder) => new(
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(file => file, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))),
        StringComparer.Ordinal);

    private static Task<(int ExitCode, string Output)> StartAloneAsync(string dataDirectory) => ServerProcess.RunToEndAsync(
        $"--data-dir={dataDirectory}",
        "--name=a",
        "--listen-client-urls=http://127.0.0.1:0",
        "--listen-peer-urls=http://127.0.0.1:1");
}
