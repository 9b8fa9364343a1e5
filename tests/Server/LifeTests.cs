using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Server.Tests;

/// <summary>Members come, crash, leave and come back, and nothing that was acknowledged is lost.</summary>
public sealed class LifeTests
{
    [Fact]
    public async Task Killing_the_leader_loses_no_acknowledged_write()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var survivors = string.Join(',', cluster.Members.Where(member => member != leader).Select(member => member.ClientUrl));
        for (var i = 0; i < 10; i++)
        {
            await Etcdctl.RunAsync(leader.ClientUrl, "put", $"before{i}", "x");
        }

        await leader.Process!.KillAsync();
        await LocalCluster.UntilAsync("the others take writes", cluster.Members.First(member => member != leader), async () =>
            (await Etcdctl.TryAsync(survivors, "put", "after", "x")).ExitCode == 0);
        cluster.Start(leader, "new");
        await cluster.UntilReadyAsync(leader);

        Assert.Equal("11\n", CountOf(await Etcdctl.RunAsync(leader.ClientUrl, "get", "--prefix", "", "--keys-only")));
    }

    [Fact]
    public async Task All_members_killed_at_once_come_back_with_everything()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        for (var i = 0; i < 10; i++)
        {
            await Etcdctl.RunAsync(cluster.Endpoints, "put", $"key{i}", "x");
        }

        await Task.WhenAll(cluster.Members.Select(member => member.Process!.KillAsync()));
        cluster.Members.ForEach(member => cluster.Start(member, "new"));
        foreach (var member in cluster.Members)
        {
            await cluster.UntilReadyAsync(member);
        }

        Assert.Equal("10\n", CountOf(await Etcdctl.RunAsync(cluster.Endpoints, "get", "--prefix", "", "--keys-only")));
    }

    [Fact]
    public async Task A_leader_that_is_asked_to_stop_hands_over_first()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        var maintenance = new Maintenance.MaintenanceClient(cluster.Channel(follower));
        var term = (await maintenance.StatusAsync(new())).RaftTerm;

        Assert.Equal(0, await leader.Process!.TerminateAsync());

        Assert.Contains("leadership is with another member", leader.Process.Output, StringComparison.Ordinal);
        var next = await maintenance.StatusAsync(new());
        Assert.Equal(term + 1, next.RaftTerm);
        Assert.NotEqual(0ul, next.Leader);
    }

    [Fact]
    public async Task A_blank_member_waits_to_be_told_and_becomes_nobody_else_afterwards()
    {
        await using var cluster = LocalCluster.Prepare(1);
        var member = cluster.Members[0];
        cluster.Start(member, "await");
        var bootstrap = new Bootstrap.BootstrapClient(cluster.Channel(member));
        await LocalCluster.UntilAsync("it answers", member, async () =>
            (await bootstrap.IdentityAsync(new())).State == IdentityResponse.Types.State.Awaiting);
        var kv = new KV.KVClient(cluster.Channel(member));
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFromUtf8("v") };
        var refusal = await Assert.ThrowsAsync<RpcException>(() => kv.PutAsync(put).ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);

        var request = new InitializeRequest { ClusterId = 7, MemberId = 8, FormNewCluster = true };
        await bootstrap.InitializeAsync(request);
        await bootstrap.InitializeAsync(request);
        await cluster.UntilReadyAsync(member);
        await kv.PutAsync(put);

        request.ClusterId = 9;
        var other = await Assert.ThrowsAsync<RpcException>(() => bootstrap.InitializeAsync(request).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, other.StatusCode);
        await member.Process!.KillAsync();
        cluster.Start(member, "await");
        await cluster.UntilReadyAsync(member);
        var identity = await bootstrap.IdentityAsync(new());
        Assert.Equal((7ul, 8ul), (identity.ClusterId, identity.MemberId));
        Assert.Equal("v", (await kv.RangeAsync(new RangeRequest { Key = put.Key })).Kvs[0].Value.ToStringUtf8());
    }

    [Fact]
    public async Task Members_of_another_cluster_are_not_listened_to()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var client = new TcpClient("127.0.0.1", new Uri(cluster.Members[0].PeerUrl).Port);
        var hello = new PeerFrame { ClusterId = 1, From = 2, To = 3 }.ToByteArray();

        await client.GetStream().WriteAsync((byte[])[.. "RAFT/1\r\n"u8, 0, 0, 0, (byte)hello.Length, .. hello]);
        var length = new byte[4];
        while (length[3] == 0)
        {
            await client.GetStream().ReadExactlyAsync(length);
        }

        var answer = new byte[length[3]];
        await client.GetStream().ReadExactlyAsync(answer);

        var refusal = PeerReply.Parser.ParseFrom(answer).Refusal;
        Assert.Equal((uint)StatusCode.FailedPrecondition, refusal.Code);
        Assert.Contains("belongs to cluster", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_carry_etcds_names()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var http = new HttpClient();

        var metrics = await http.GetStringAsync(cluster.Members[0].MetricsUrl + "/metrics", TestContext.Current.CancellationToken);

        foreach (var name in new[]
        {
            "etcd_server_has_leader", "etcd_server_is_leader", "etcd_server_leader_changes_seen_total", "etcd_server_proposals_committed_total",
            "etcd_server_proposals_applied_total", "etcd_server_proposals_pending", "etcd_server_proposals_failed_total",
            "etcd_disk_wal_fsync_duration_seconds_bucket", "etcd_mvcc_db_total_size_in_bytes",
        })
        {
            Assert.Contains("\n" + name + "{", metrics, StringComparison.Ordinal);
        }
    }

    private static string CountOf(string keys) => keys.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length + "\n";
}
