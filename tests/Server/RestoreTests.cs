using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Server.Tests;

/// <summary>A backup of `etcdctl snapshot save` becomes a new cluster that has all of it; what is no backup becomes nothing.</summary>
public sealed class RestoreTests : IDisposable
{
    private const int BadSettings = 64;
    private const int CannotRestore = 65;
    private const int Keys = 500;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Backup => Path.Combine(_folder.FullName, "backup");

    private string Target => Path.Combine(_folder.FullName, "target");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_backup_becomes_a_new_cluster_of_any_size_with_everything_in_it(int size)
    {
        const long Bump = 1_000_000;
        var saved = await SaveFullAsync();
        await using var cluster = await RestoredAsync(size, "--bump-revision", $"{Bump}", "--mark-compacted");
        var member = cluster.Members[^1];
        var channel = cluster.Channel(member);
        var root = new Metadata
        {
            { "token", (await new Auth.AuthClient(channel).AuthenticateAsync(new() { Name = "root", Password = "root" })).Token },
        };
        var kv = new KV.KVClient(channel);

        // The cluster is a new one, and has no other members than its own.
        var members = await new Cluster.ClusterClient(channel).MemberListAsync(new() { Linearizable = true }, root);
        Assert.NotEqual(saved.ClusterId, members.Header.ClusterId);
        Assert.Equal(cluster.Members.Select(other => other.Name), members.Members.Select(other => other.Name).Order());
        Assert.DoesNotContain(saved.MemberId, members.Members.Select(other => other.ID));

        // Data with its own revisions, under a revision that was never handed out before.
        var all = await kv.RangeAsync(new() { Key = Bytes("k"), RangeEnd = Bytes("l") }, root);
        Assert.Equal(Keys, all.Count);
        Assert.All(all.Kvs, pair => Assert.Equal(2, pair.Version));
        Assert.Equal(saved.Revision + Bump, all.Header.Revision);
        await RefusedAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted",
            kv.RangeAsync(new() { Key = Bytes("k"), Revision = saved.Revision }, root).ResponseAsync);

        // A watch that goes on from what its client saw last is told that it missed something.
        using (var watch = new Watch.WatchClient(channel).Watch(root))
        {
            await watch.RequestStream.WriteAsync(new() { CreateRequest = new() { Key = Bytes("k"), StartRevision = saved.Revision + 1 } }, Stop);
            Assert.True(await watch.ResponseStream.MoveNext(Stop) && watch.ResponseStream.Current.Created);
            Assert.True(await watch.ResponseStream.MoveNext(Stop));
            Assert.Equal((true, saved.Revision + Bump), (watch.ResponseStream.Current.Canceled, watch.ResponseStream.Current.CompactRevision));
        }

        // Leases live on, with their full time, and so do the keys under them.
        var lease = await new Lease.LeaseClient(channel).LeaseTimeToLiveAsync(new() { ID = saved.Lease, Keys = true }, root);
        Assert.Equal((600, "leased"), (lease.GrantedTTL, Assert.Single(lease.Keys).ToStringUtf8()));
        Assert.InRange(lease.TTL, 500, 600);

        // A session remembers what it did.
        var again = await kv.PutAsync(new() { Key = Bytes("once") }, [.. root, .. InSession(saved.Session)]);
        Assert.Equal(saved.OnceRevision, again.Header.Revision);

        // Users may do what they might before, and no more.
        var alice = new Metadata
        {
            { "token", (await new Auth.AuthClient(channel).AuthenticateAsync(new() { Name = "alice", Password = "pw" })).Token },
        };
        var put = await kv.PutAsync(new() { Key = Bytes("app/1") }, alice);
        Assert.Equal(saved.Revision + Bump + 1, put.Header.Revision);
        await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", kv.PutAsync(new() { Key = Bytes("k") }, alice).ResponseAsync);
    }

    [Fact]
    public async Task Without_a_bump_revisions_and_history_are_those_of_the_backup()
    {
        await SavePlainAsync();
        await using var cluster = await RestoredAsync(1);
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));

        Assert.Equal("1", (await kv.RangeAsync(new() { Key = Bytes("a"), Revision = 2 })).Kvs[0].Value.ToStringUtf8());
        Assert.Equal(4, (await kv.PutAsync(new() { Key = Bytes("a") })).Header.Revision);
    }

    [Fact]
    public async Task A_restored_member_starts_again_and_others_join_it()
    {
        await SavePlainAsync();
        await using var cluster = await RestoredAsync(1);
        var first = cluster.Members[0];
        await Etcdctl.RunAsync(first.ClientUrl, "put", "a", "3");
        await first.Process!.KillAsync();
        cluster.Start(first, "new");
        await cluster.UntilReadyAsync(first);
        Assert.Equal("a\n3\n", await Etcdctl.RunAsync(first.ClientUrl, "get", "a"));

        var second = cluster.Add("b");
        await Etcdctl.RunAsync(first.ClientUrl, "member", "add", "b", "--learner", $"--peer-urls={second.PeerUrl}");
        cluster.Start(second, "existing");
        await LocalCluster.UntilAsync("the new member has caught up", second, async () =>
            (await Etcdctl.TryAsync(first.ClientUrl, "member", "promote", await IdOfAsync(first, "b"))).ExitCode == 0);
        Assert.Equal("a\n3\n", await Etcdctl.RunAsync(second.ClientUrl, "get", "a"));
    }

    [Fact]
    public async Task Ids_follow_from_the_settings_and_the_backup_so_that_members_restored_alike_find_each_other_and_no_others()
    {
        await SavePlainAsync();
        const string Members = "--initial-cluster=a=http://127.0.0.1:1,b=http://127.0.0.1:2";
        var first = await ClusterAsync("--name=a", "--initial-advertise-peer-urls=http://127.0.0.1:1", Members);

        Assert.Equal(first, await ClusterAsync("--name=b", "--initial-advertise-peer-urls=http://127.0.0.1:2", Members));
        Assert.NotEqual(first, await ClusterAsync("--name=b", "--initial-advertise-peer-urls=http://127.0.0.1:2", Members, "--initial-cluster-token=other"));
        Assert.NotEqual(first, await ClusterAsync(
            "--name=b", "--initial-advertise-peer-urls=http://127.0.0.1:2", Members, "--bump-revision=7", "--mark-compacted"));
        await SavePlainAsync();
        Assert.NotEqual(first, await ClusterAsync("--name=b", "--initial-advertise-peer-urls=http://127.0.0.1:2", Members));

        async Task<string> ClusterAsync(params string[] settings)
        {
            var (exitCode, output) = await RestoreAsync(settings);
            Assert.True(exitCode == 0, output);
            Directory.Delete(Target, recursive: true);
            return output[output.LastIndexOf("cluster", StringComparison.Ordinal)..];
        }
    }

    [Theory]
    [InlineData("its last byte is missing", "does not end with the SHA-256")]
    [InlineData("it is cut off at a block", "does not end with the SHA-256")]
    [InlineData("it is cut off so that its length looks right", "is damaged: its content has the SHA-256")]
    [InlineData("a bit in the middle is flipped", "is damaged: its content has the SHA-256")]
    [InlineData("a bit of the SHA-256 is flipped", "is damaged: its content has the SHA-256")]
    [InlineData("it is empty", "is no snapshot of this server")]
    [InlineData("it is a text", "is no snapshot of this server")]
    [InlineData("it is etcd's own", "is a snapshot of etcd itself")]
    public async Task What_is_no_whole_backup_is_refused_and_nothing_is_written(string how, string says)
    {
        await SavePlainAsync();
        var bytes = await File.ReadAllBytesAsync(Backup, Stop);
        switch (how)
        {
            case "its last byte is missing": bytes = bytes[..^1]; break;
            case "it is cut off at a block": bytes = bytes[..^(512 + 32)]; break;
            case "it is cut off so that its length looks right": bytes = bytes[..^512]; break;
            case "a bit in the middle is flipped": bytes[bytes.Length / 2] ^= 1; break;
            case "a bit of the SHA-256 is flipped": bytes[^1] ^= 1; break;
            case "it is empty": bytes = []; break;
            case "it is a text": bytes = [.. Enumerable.Repeat((byte)'x', 10_000)]; break;
            case "it is etcd's own": bytes = [.. new byte[16], 0xED, 0xDA, 0x0C, 0xED, .. new byte[8192]]; break;
        }

        await File.WriteAllBytesAsync(Backup, bytes, Stop);
        var (exitCode, output) = await RestoreAsync();
        Assert.Equal(CannotRestore, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.Equal([Backup], Directory.GetFileSystemEntries(_folder.FullName));
        (exitCode, output) = await ServerProcess.RunToEndAsync("snapshot", "status", Backup);
        Assert.Equal(CannotRestore, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_skips_the_check_of_the_hash_may_leave_it_off_but_gets_no_half_of_a_store()
    {
        await SavePlainAsync();
        var bytes = await File.ReadAllBytesAsync(Backup, Stop);
        await File.WriteAllBytesAsync(Backup, bytes[..^32], Stop);
        Assert.Equal(CannotRestore, (await RestoreAsync()).ExitCode);
        Assert.Equal(0, (await RestoreAsync("--skip-hash-check")).ExitCode);
        Directory.Delete(Target, recursive: true);

        await File.WriteAllBytesAsync(Backup, bytes[..(bytes.Length / 2 / 512 * 512)], Stop);
        var (exitCode, output) = await RestoreAsync("--skip-hash-check");
        Assert.True(exitCode == CannotRestore, output);
        Assert.Equal([Backup], Directory.GetFileSystemEntries(_folder.FullName));
    }

    [Fact]
    public async Task A_directory_that_has_anything_in_it_stays_as_it_is_and_an_empty_one_is_taken()
    {
        await SavePlainAsync();
        Directory.CreateDirectory(Target);
        var diary = Path.Combine(Target, "diary.txt");
        await File.WriteAllTextAsync(diary, "dear diary", Stop);
        var (exitCode, output) = await RestoreAsync();
        Assert.Equal(CannotRestore, exitCode);
        Assert.Contains($"'{Target}' exists and is not empty", output, StringComparison.Ordinal);
        Assert.Equal([diary], Directory.GetFileSystemEntries(Target));

        File.Delete(diary);
        Assert.Equal(0, (await RestoreAsync()).ExitCode);
    }

    [Fact]
    public async Task What_an_interrupted_restore_left_is_in_nobodys_way()
    {
        await SavePlainAsync();
        Assert.Equal(0, (await RestoreAsync()).ExitCode);
        Directory.Move(Target, Target + ".restoring");
        Assert.Equal(0, (await RestoreAsync()).ExitCode);
        Assert.Equal([Backup, Target], Directory.GetFileSystemEntries(_folder.FullName).Order());
    }

    [Theory]
    [InlineData("go together", "--bump-revision=5")]
    [InlineData("go together", "--mark-compacted")]
    [InlineData("go together", "--bump-revision=-5", "--mark-compacted")]
    [InlineData("--initial-cluster: must name a", "--name=a", "--initial-cluster=b=http://127.0.0.1:1")]
    [InlineData("--nonsense", "--nonsense=1")]
    public async Task Settings_that_make_no_sense_are_named(string says, params string[] settings)
    {
        var (exitCode, output) = await RestoreAsync(settings);
        Assert.Equal(BadSettings, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_status_of_a_backup_says_what_the_member_that_gave_it_says()
    {
        uint hash;
        await using (var cluster = await LocalCluster.StartAsync(1))
        {
            await Etcdctl.RunAsync(cluster.Endpoints, "put", "a", "1");
            await Etcdctl.RunAsync(cluster.Endpoints, "put", "a", "2");
            await Etcdctl.RunAsync(cluster.Endpoints, "put", "b", "1");
            await Etcdctl.RunAsync(cluster.Endpoints, "snapshot", "save", Backup);
            hash = (await new Maintenance.MaintenanceClient(cluster.Channel(cluster.Members[0])).HashKVAsync(new())).Hash;
        }

        using var json = JsonDocument.Parse(await StatusAsync("-w", "json"));
        Assert.Equal(
            (hash, 4, 2, new FileInfo(Backup).Length),
            (json.RootElement.GetProperty("hash").GetUInt32(), json.RootElement.GetProperty("revision").GetInt64(),
                json.RootElement.GetProperty("totalKey").GetInt64(), json.RootElement.GetProperty("totalSize").GetInt64()));
        Assert.StartsWith($"{hash:x8}, 4, 2, ", await StatusAsync(), StringComparison.Ordinal);
        Assert.Contains($"| {hash:x8} |        4 |          2 |", await StatusAsync("--write-out=table"), StringComparison.Ordinal);

        async Task<string> StatusAsync(params string[] arguments)
        {
            var (exitCode, output) = await ServerProcess.RunToEndAsync(["snapshot", "status", Backup, .. arguments]);
            Assert.True(exitCode == 0, output);
            return output;
        }
    }

    /// <summary>Saves what a cluster of three members has: many keys with a past, a lease, a session, users.</summary>
    private async Task<Saved> SaveFullAsync()
    {
        await using var cluster = await LocalCluster.StartAsync(3, "--bcrypt-cost=4");
        var channel = cluster.Channel(cluster.Members[0]);
        var (kv, auth) = (new KV.KVClient(channel), new Auth.AuthClient(channel));
        for (var round = 0; round < 2; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, Keys).Select(key => kv.PutAsync(new() { Key = Bytes($"k{key}") }).ResponseAsync));
        }

        var lease = (await new Lease.LeaseClient(channel).LeaseGrantAsync(new() { TTL = 600 })).ID;
        await kv.PutAsync(new() { Key = Bytes("leased"), Lease = lease });
        await auth.UserAddAsync(new() { Name = "root", Password = "root" });
        await auth.UserGrantRoleAsync(new() { User = "root", Role = "root" });
        await auth.RoleAddAsync(new() { Name = "app" });
        await auth.RoleGrantPermissionAsync(new()
        {
            Name = "app",
            Perm = new() { PermType = Permission.Types.Type.Readwrite, Key = Bytes("app/"), RangeEnd = Bytes("app0") },
        });
        await auth.UserAddAsync(new() { Name = "alice", Password = "pw" });
        await auth.UserGrantRoleAsync(new() { User = "alice", Role = "app" });
        await auth.AuthEnableAsync(new());
        var root = new Metadata { { "token", (await auth.AuthenticateAsync(new() { Name = "root", Password = "root" })).Token } };
        var session = (await new Sessions.SessionsClient(channel).OpenAsync(new() { TtlMs = 600_000 }, root)).Session;
        var once = await kv.PutAsync(new() { Key = Bytes("once") }, [.. root, .. InSession(session)]);
        await Etcdctl.RunAsync(cluster.Members[0].ClientUrl, "--user", "root:root", "snapshot", "save", Backup);
        return new(once.Header.ClusterId, once.Header.MemberId, once.Header.Revision, lease, session, once.Header.Revision);
    }

    /// <summary>Saves what a single member has: a key with a past, at revision 3.</summary>
    private async Task SavePlainAsync()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "a", "1");
        await Etcdctl.RunAsync(cluster.Endpoints, "put", "a", "2");
        await Etcdctl.RunAsync(cluster.Endpoints, "snapshot", "save", Backup);
    }

    private async Task<(int ExitCode, string Output)> RestoreAsync(params string[] settings) =>
        await ServerProcess.RunToEndAsync(["snapshot", "restore", Backup, $"--data-dir={Target}", .. settings]);

    /// <summary>A cluster whose members are all restored from the backup.</summary>
    private async Task<LocalCluster> RestoredAsync(int size, params string[] further)
    {
        var cluster = LocalCluster.Prepare(size);
        foreach (var member in cluster.Members)
        {
            var (exitCode, output) = await ServerProcess.RunToEndAsync(
            [
                "snapshot", "restore", Backup, $"--data-dir={member.DataDirectory}", $"--name={member.Name}",
                $"--initial-advertise-peer-urls={member.PeerUrl}",
                $"--initial-cluster={string.Join(',', cluster.Members.Select(other => $"{other.Name}={other.PeerUrl}"))}", .. further,
            ]);
            Assert.True(exitCode == 0, output);
        }

        cluster.Members.ForEach(member => cluster.Start(member, "new", "--bcrypt-cost=4"));
        return await cluster.ReadyAsync();
    }

    private static async Task<string> IdOfAsync(LocalMember member, string name)
    {
        var list = await Etcdctl.RunAsync(member.ClientUrl, "member", "list");
        return list.Split('\n').Single(line => line.Split(", ") is [_, _, var found, _, _, _] && (found == name || found.Length == 0)).Split(',')[0];
    }

    private static async Task RefusedAsync(StatusCode code, string says, Task call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal((code, says), (refusal.StatusCode, refusal.Status.Detail));
    }

    private static Metadata InSession(ulong session) => new() { { "raft-session", $"{session}" }, { "raft-sequence", "1" } };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private sealed record Saved(ulong ClusterId, ulong MemberId, long Revision, long Lease, ulong Session, long OnceRevision);
}
