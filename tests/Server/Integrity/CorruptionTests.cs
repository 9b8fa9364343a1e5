using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue.Ports;
using Raft.Protocol.Etcd;
using Raft.Storage;
using Raft.Storage.Ordered;

namespace Raft.Server.Tests.Integrity;

/// <summary>A member whose disk lies does not serve, and if it does, all learn of it.</summary>
public sealed class CorruptionTests
{
    private const int CannotStart = 65;

    /// <summary>The store is flushed early, so that it holds what the log will not say again.</summary>
    private const string FlushEarly = "--snapshot-count=20";

    [Fact]
    public async Task A_member_that_holds_something_else_than_the_others_refuses_to_start()
    {
        await using var cluster = await FilledAsync("--corrupt-check-time=0");
        var broken = await FollowerAsync(cluster);
        await broken.Process!.TerminateAsync();
        await CorruptAsync(broken);

        cluster.Start(broken, "new", FlushEarly);

        Assert.Equal(CannotStart, await broken.Process.WaitForExitAsync());
        Assert.Contains("is not what other members hold", broken.Process.Output, StringComparison.Ordinal);
        Assert.Contains("etcdctl member remove", broken.Process.Output, StringComparison.Ordinal);
        // The others go on.
        await KvOf(cluster, await cluster.LeaderAsync()).PutAsync(Put("after"));
    }

    [Fact]
    public async Task A_sound_member_starts_beside_a_broken_one_and_says_so()
    {
        await using var cluster = await FilledAsync("--corrupt-check-time=0");
        var broken = await FollowerAsync(cluster);
        await broken.Process!.TerminateAsync();
        await CorruptAsync(broken);
        cluster.Start(broken, "new", FlushEarly, "--initial-corrupt-check=false", "--corrupt-check-time=0");
        await cluster.UntilReadyAsync(broken);
        var sound = cluster.Members.First(member => member != broken);
        await sound.Process!.TerminateAsync();

        cluster.Start(sound, "new", FlushEarly, "--corrupt-check-time=0");

        await cluster.UntilReadyAsync(sound);
        Assert.Contains("Other members do not hold what this one and the majority hold", sound.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_starts_when_no_other_can_be_asked()
    {
        await using var cluster = await FilledAsync();
        await Task.WhenAll(cluster.Members.Select(member => member.Process!.TerminateAsync()));

        cluster.Members.ForEach(member => cluster.Start(member, "new", FlushEarly));

        await Task.WhenAll(cluster.Members.Select(cluster.UntilReadyAsync));
    }

    [Fact]
    public async Task A_broken_member_that_runs_raises_the_alarm_and_no_more_is_written()
    {
        await using var cluster = await FilledAsync("--corrupt-check-time=1s");
        var broken = await FollowerAsync(cluster);
        var id = (await MaintenanceOf(cluster, broken).StatusAsync(new())).Header.MemberId;
        await broken.Process!.TerminateAsync();
        await CorruptAsync(broken);

        cluster.Start(broken, "new", FlushEarly, "--initial-corrupt-check=false", "--corrupt-check-time=1s");
        await cluster.UntilReadyAsync(broken);

        var maintenance = MaintenanceOf(cluster, broken);
        await LocalCluster.UntilAsync("the alarm is raised", broken, async () =>
            (await maintenance.AlarmAsync(new())).Alarms.Contains(new AlarmMember { MemberID = id, Alarm = AlarmType.Corrupt }));
        Assert.Single((await maintenance.AlarmAsync(new())).Alarms);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => KvOf(cluster, broken).PutAsync(Put("after")).ResponseAsync);
        Assert.Equal((StatusCode.DataLoss, "etcdserver: corrupt cluster"), (refusal.StatusCode, refusal.Status.Detail));
        // Whoever led then.
        var finder = cluster.Members.First(member => member.Process!.Output.Contains($"The data of member {id:x} is corrupt", StringComparison.Ordinal));
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(finder.MetricsUrl + "/metrics", TestContext.Current.CancellationToken);
        Assert.Matches(@"\nraft_server_corrupt_alarms\{.*\} 1\n", metrics);
        Assert.DoesNotMatch(@"\nraft_server_corruption_found_total\{.*\} 0\n", metrics);
    }

    [Fact]
    public async Task Sound_members_are_found_sound_while_they_are_written_and_compacted()
    {
        await using var cluster = await FilledAsync("--corrupt-check-time=1s");
        var leader = await cluster.LeaderAsync();
        var (kv, written) = (KvOf(cluster, leader), 0);
        using var http = new HttpClient();
        await LocalCluster.UntilAsync("the members were checked three times", leader, async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                var revision = (await kv.PutAsync(Put($"key{written++ % 7}"))).Header.Revision;
                if (i == 49)
                {
                    await kv.CompactAsync(new() { Revision = revision - 5 });
                }
            }

            return (await http.GetStringAsync(leader.MetricsUrl + "/metrics")).Split('\n')
                .Any(line => line.StartsWith("raft_server_corruption_checks_total{", StringComparison.Ordinal) && Value(line) >= 3);
        });

        Assert.Empty((await MaintenanceOf(cluster, leader).AlarmAsync(new())).Alarms);

        static double Value(string line) => double.Parse(line[(line.IndexOf('}', StringComparison.Ordinal) + 1)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    // Of where the version was made (KeyLayout).
    private const int BytesAfterPair = 5;

    private static async Task<LocalCluster> FilledAsync(params string[] further)
    {
        var cluster = await LocalCluster.StartAsync(3, [FlushEarly, .. further]);
        var kv = KvOf(cluster, await cluster.LeaderAsync());
        for (var i = 0; i < 100; i++)
        {
            await kv.PutAsync(Put($"key{i}"));
        }

        return cluster;
    }

    private static async Task<LocalMember> FollowerAsync(LocalCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        return cluster.Members.First(member => member != leader);
    }

    /// <summary>Changes one value behind the member's back, with nothing that a checksum would notice.</summary>
    private static async Task CorruptAsync(LocalMember member)
    {
        using var directory = DataDirectory.Open(member.DataDirectory);
        using var store = directory.OpenStore(new StoreOptions());
        var key = "kkey0"u8.ToArray();
        var version = store.Get(key) ?? throw new InvalidOperationException("Nothing was flushed.");
        var pair = Protocol.Etcd.KeyValue.Parser.ParseFrom(version, 0, version.Length - BytesAfterPair);
        pair.Value = ByteString.CopyFromUtf8("lie");
        var batch = new OrderedBatch();
        batch.Put(key, (byte[])[.. pair.ToByteArray(), .. version[^BytesAfterPair..]]);
        store.Write(batch);
        await store.FlushAsync();
    }

    private static PutRequest Put(string key) => new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("value") };

    private static KV.KVClient KvOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static Maintenance.MaintenanceClient MaintenanceOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));
}
