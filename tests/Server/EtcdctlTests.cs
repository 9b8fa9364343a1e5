using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>What etcd's own command-line client does, it does here.</summary>
public sealed class EtcdctlTests
{
    [Fact]
    public async Task Keys_are_written_read_listed_and_deleted()
    {
        await using var cluster = await LocalCluster.StartAsync(3);

        Assert.Equal("OK\n", await Etcdctl.RunAsync(cluster.Endpoints, "put", "a", "1"));
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "b", "2");

        // Every member answers with what any of them acknowledged.
        foreach (var member in cluster.Members)
        {
            Assert.Equal("a\n1\nb\n2\n", await Etcdctl.RunAsync(member.ClientUrl, "get", "--prefix", ""));
        }

        Assert.Equal("1\n", await Etcdctl.RunAsync(cluster.Endpoints, "del", "a"));
        Assert.Equal("b\n2\n", await Etcdctl.RunAsync(cluster.Endpoints, "get", "--from-key", "a"));
        Assert.Equal("1\n", await Etcdctl.RunAsync(cluster.Endpoints, "get", "--rev=2", "--print-value-only", "a"));
        Assert.Contains("compacted revision 3", await Etcdctl.RunAsync(cluster.Endpoints, "compaction", "--physical", "3"), StringComparison.Ordinal);
        var (_, refusal) = await Etcdctl.TryAsync(cluster.Endpoints, "get", "--rev=2", "a");
        Assert.Contains("mvcc: required revision has been compacted", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_health_and_the_same_hash_come_from_every_member()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "key", "value");

        var health = await Etcdctl.RunAsync(cluster.Endpoints, "endpoint", "health");
        using var status = JsonDocument.Parse(await Etcdctl.RunAsync(cluster.Endpoints, "endpoint", "status", "-w", "json"));

        Assert.Equal(3, health.Split("is healthy").Length - 1);
        Assert.Equal(3, status.RootElement.GetArrayLength());
        Assert.Single(status.RootElement.EnumerateArray().Select(member => member.GetProperty("Status").GetProperty("leader").GetUInt64()).Distinct());
        await LocalCluster.UntilAsync("all members have the same hash", cluster.Members[0], async () =>
        {
            using var hashes = JsonDocument.Parse(await Etcdctl.RunAsync(cluster.Endpoints, "endpoint", "hashkv", "-w", "json"));
            return hashes.RootElement.EnumerateArray().Select(member => member.GetProperty("HashKV").GetProperty("hash").GetUInt32()).Distinct().Count() == 1;
        });
        Assert.Contains("Finished defragmenting", await Etcdctl.RunAsync(cluster.Endpoints, "defrag"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_store_is_emptied_as_etcd_says_compact_defragment_disarm()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--quota-backend-bytes=3000000");
        var (isFull, answer) = (false, "");
        for (var i = 0; i < 100 && !isFull; i++)
        {
            (var exitCode, answer) = await Etcdctl.TryAsync(cluster.Endpoints, "put", $"key{i}", RandomNumberGenerator.GetHexString(100_000));
            isFull = exitCode != 0;
        }

        Assert.Contains("mvcc: database space exceeded", answer, StringComparison.Ordinal);
        Assert.Contains("alarm:NOSPACE", await Etcdctl.RunAsync(cluster.Endpoints, "alarm", "list"), StringComparison.Ordinal);
        await Etcdctl.RunAsync(cluster.Endpoints, "del", "--prefix", "key");
        using var status = JsonDocument.Parse(await Etcdctl.RunAsync(cluster.Endpoints, "endpoint", "status", "-w", "json"));
        var revision = status.RootElement[0].GetProperty("Status").GetProperty("header").GetProperty("revision").GetInt64();
        await Etcdctl.RunAsync(cluster.Endpoints, "compaction", $"{revision}");
        await Etcdctl.RunAsync(cluster.Endpoints, "defrag");
        await Etcdctl.RunAsync(cluster.Endpoints, "alarm", "disarm");

        Assert.Equal("OK\n", await Etcdctl.RunAsync(cluster.Endpoints, "put", "small", "1"));
        Assert.Equal("", await Etcdctl.RunAsync(cluster.Endpoints, "alarm", "list"));
    }

    [Fact]
    public async Task A_member_is_added_as_a_learner_promoted_and_removed()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        for (var i = 0; i < 20; i++)
        {
            await Etcdctl.RunAsync(cluster.Endpoints, "put", $"key{i}", "value");
        }

        var voters = cluster.Endpoints;
        var added = cluster.Add("d");
        await Etcdctl.RunAsync(voters, "member", "add", "d", "--learner", $"--peer-urls={added.PeerUrl}");
        cluster.Start(added, "existing");
        await cluster.UntilReadyAsync(added);
        var id = await IdOfAsync(voters, "d");

        await LocalCluster.UntilAsync("the learner is promoted", added, async () =>
            (await Etcdctl.TryAsync(voters, "member", "promote", id)).ExitCode == 0);

        // The new voter learns of its promotion a little later than whoever answered.
        await LocalCluster.UntilAsync("it answers as a voter", added, async () =>
            await Etcdctl.TryAsync(added.ClientUrl, "get", "--print-value-only", "key19") is (0, "value\n"));
        await Etcdctl.RunAsync(voters, "member", "remove", id);
        Assert.DoesNotContain(", d, ", await Etcdctl.RunAsync(voters, "member", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leadership_moves_to_the_member_that_is_named()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var target = cluster.Members.First(member => member != leader);

        await Etcdctl.RunAsync(leader.ClientUrl, "move-leader", await IdOfAsync(cluster.Endpoints, target.Name));

        Assert.Equal(target, await cluster.LeaderAsync());
    }

    [Fact]
    public async Task A_snapshot_is_saved_with_a_checksum_that_etcdctl_accepts()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "key", "value");
        var file = Path.Combine(cluster.Folder, "snapshot");

        await Etcdctl.RunAsync(cluster.Endpoints, "snapshot", "save", file);

        Assert.True(new FileInfo(file).Length > 512);
    }

    [Fact]
    public async Task A_request_over_the_limit_is_refused_and_the_next_one_works()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--max-request-bytes=65536");
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        var large = new PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("k"), Value = Google.Protobuf.ByteString.CopyFrom(new byte[70_000]) };

        var refusal = await Assert.ThrowsAsync<RpcException>(() => kv.PutAsync(large).ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Equal("etcdserver: request is too large", refusal.Status.Detail);
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "k", "small");
    }

    private static async Task<string> IdOfAsync(string endpoints, string name)
    {
        using var list = JsonDocument.Parse(await Etcdctl.RunAsync(endpoints, "member", "list", "-w", "json"));
        var member = list.RootElement.GetProperty("members").EnumerateArray().First(member =>
            (member.TryGetProperty("name", out var known) && known.GetString() == name)
            || (!member.TryGetProperty("name", out _) && name == "d"));
        return member.GetProperty("ID").GetUInt64().ToString("x", System.Globalization.CultureInfo.InvariantCulture);
    }
}
