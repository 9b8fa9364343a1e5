using System.Security.Cryptography;

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
