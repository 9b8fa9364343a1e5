using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Server.Tests;

/// <summary>Authentication as clients see it, on real members: etcdctl, tokens, codes and texts.</summary>
public sealed class AuthTests
{
    [Fact]
    public async Task Etcdctl_manages_users_and_roles_and_each_user_may_do_what_the_roles_allow()
    {
        await using var cluster = await LocalCluster.StartAsync(3, "--bcrypt-cost=4");
        var endpoints = cluster.Endpoints;
        string[] root = ["--user", "root:secret"];
        await Etcdctl.RunAsync(endpoints, "user", "add", "root:secret");
        await Etcdctl.RunAsync(endpoints, "user", "grant-role", "root", "root");
        Assert.Contains("Authentication Enabled", await Etcdctl.RunAsync(endpoints, "auth", "enable"), StringComparison.Ordinal);

        await Etcdctl.RunAsync(endpoints, [.. root, "role", "add", "app"]);
        await Etcdctl.RunAsync(endpoints, [.. root, "role", "grant-permission", "app", "readwrite", "app/", "--prefix"]);
        await Etcdctl.RunAsync(endpoints, [.. root, "role", "grant-permission", "app", "read", "shared"]);
        await Etcdctl.RunAsync(endpoints, [.. root, "user", "add", "alice:pw"]);
        await Etcdctl.RunAsync(endpoints, [.. root, "user", "grant-role", "alice", "app"]);
        Assert.Contains("app", await Etcdctl.RunAsync(endpoints, [.. root, "user", "get", "alice"]), StringComparison.Ordinal);
        Assert.Contains("[app/, app0) (prefix app/)", await Etcdctl.RunAsync(endpoints, [.. root, "role", "get", "app"]), StringComparison.Ordinal);
        Assert.Equal("alice\nroot\n", await Etcdctl.RunAsync(endpoints, [.. root, "user", "list"]));

        string[] alice = ["--user", "alice:pw"];
        await Etcdctl.RunAsync(endpoints, [.. root, "put", "shared", "1"]);
        await Etcdctl.RunAsync(endpoints, [.. alice, "put", "app/a", "1"]);
        Assert.Equal("app/a\n1\n", await Etcdctl.RunAsync(endpoints, [.. alice, "get", "--prefix", "app/"]));
        Assert.Equal("shared\n1\n", await Etcdctl.RunAsync(endpoints, [.. alice, "get", "shared"]));
        await DeniedAsync("permission denied", [.. alice, "put", "shared", "2"]);
        await DeniedAsync("permission denied", [.. alice, "get", "--prefix", ""]);
        await DeniedAsync("permission denied", [.. alice, "user", "list"]);
        await DeniedAsync("permission denied", [.. alice, "member", "add", "x", "--peer-urls=http://127.0.0.1:1"]);
        await DeniedAsync("user name is empty", ["get", "shared"]);
        await DeniedAsync("authentication failed, invalid user ID or password", ["--user", "alice:wrong", "get", "shared"]);
        await DeniedAsync("authentication failed, invalid user ID or password", ["--user", "nobody:pw", "get", "shared"]);

        await Etcdctl.RunAsync(endpoints, [.. root, "auth", "disable"]);
        Assert.Equal("shared\n1\n", await Etcdctl.RunAsync(endpoints, "get", "shared"));

        async Task DeniedAsync(string text, string[] arguments)
        {
            var (exitCode, output) = await Etcdctl.TryAsync(endpoints, arguments);
            Assert.NotEqual(0, exitCode);
            Assert.Contains(text, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_token_is_good_at_every_member_until_the_password_changes_or_members_start_anew()
    {
        await using var cluster = await LocalCluster.StartAsync(3, "--bcrypt-cost=4");
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        var root = await EnableAsync(cluster, follower);
        await AuthOf(cluster, leader).UserAddAsync(new() { Name = "alice", Password = "pw" }, root);
        await AuthOf(cluster, follower).RoleAddAsync(new() { Name = "app" }, root);
        await AuthOf(cluster, follower).RoleGrantPermissionAsync(
            new() { Name = "app", Perm = new() { PermType = Permission.Types.Type.Readwrite, Key = Bytes("a"), RangeEnd = Bytes("b") } }, root);
        await AuthOf(cluster, follower).UserGrantRoleAsync(new() { User = "alice", Role = "app" }, root);

        var alice = await TokenAsync(cluster, leader, "alice", "pw");
        foreach (var member in cluster.Members)
        {
            await KvOf(cluster, member).PutAsync(Put("a"), alice);
            Assert.Equal(1, (await KvOf(cluster, member).RangeAsync(new() { Key = Bytes("a") }, alice)).Count);
            Assert.Equal(1, (await KvOf(cluster, member).RangeAsync(new() { Key = Bytes("a"), Serializable = true }, new Metadata { { "authorization", alice[0].Value } })).Count);
            await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", KvOf(cluster, member).PutAsync(Put("b"), alice).ResponseAsync);
            await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", KvOf(cluster, member).RangeAsync(new() { Key = Bytes("b") }, alice).ResponseAsync);
            await RefusedAsync(StatusCode.Unauthenticated, "etcdserver: invalid auth token", KvOf(cluster, member).PutAsync(Put("a"), new Metadata { { "token", "made.1" } }).ResponseAsync);
            await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: user name is empty", KvOf(cluster, member).PutAsync(Put("a")).ResponseAsync);
        }

        await AuthOf(cluster, follower).UserChangePasswordAsync(new() { Name = "alice", Password = "new" }, root);
        foreach (var member in cluster.Members)
        {
            await RefusedAsync(StatusCode.Unauthenticated, "etcdserver: invalid auth token", KvOf(cluster, member).RangeAsync(new() { Key = Bytes("a") }, alice).ResponseAsync);
        }

        await RefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password",
            AuthOf(cluster, leader).AuthenticateAsync(new() { Name = "alice", Password = "pw" }).ResponseAsync);
        await TokenAsync(cluster, leader, "alice", "new");

        // Who is a user, and what for, is stored; tokens need not be: clients authenticate again.
        foreach (var member in cluster.Members)
        {
            await member.Process!.KillAsync();
        }

        foreach (var member in cluster.Members)
        {
            cluster.Start(member, "new", "--bcrypt-cost=4");
        }

        await cluster.ReadyAsync();
        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: user name is empty", KvOf(cluster, follower).RangeAsync(new() { Key = Bytes("a") }).ResponseAsync);
        alice = await TokenAsync(cluster, follower, "alice", "new");
        Assert.Equal(1, (await KvOf(cluster, leader).RangeAsync(new() { Key = Bytes("a") }, alice)).Count);
    }

    [Fact]
    public async Task Passwords_are_nowhere_on_disk()
    {
        const string Password = "correct-horse-battery-staple";
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var member = cluster.Members[0];
        await AuthOf(cluster, member).UserAddAsync(new() { Name = "alice", Password = "first" });
        await AuthOf(cluster, member).UserChangePasswordAsync(new() { Name = "alice", Password = Password });
        await EnableAsync(cluster, member);
        await TokenAsync(cluster, member, "alice", Password);
        await member.Process!.TerminateAsync();

        foreach (var file in Directory.EnumerateFiles(member.DataDirectory, "*", SearchOption.AllDirectories))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            Assert.True(bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Password)) < 0, file);
        }

        Assert.DoesNotContain(Password, member.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_concerns_the_cluster_takes_root_and_what_concerns_oneself_does_not()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var member = cluster.Members[0];
        var auth = AuthOf(cluster, member);
        await RefusedAsync(
            StatusCode.FailedPrecondition, "etcdserver: authentication is not enabled",
            auth.AuthenticateAsync(new() { Name = "root", Password = "root" }).ResponseAsync);
        Assert.False((await auth.AuthStatusAsync(new())).Enabled);
        var root = await EnableAsync(cluster, member);
        await auth.UserAddAsync(new() { Name = "alice", Password = "pw" }, root);
        await auth.RoleAddAsync(new() { Name = "app" }, root);
        await auth.UserGrantRoleAsync(new() { User = "alice", Role = "app" }, root);
        await auth.UserAddAsync(new() { Name = "machine", Options = new() { NoPassword = true } }, root);
        var alice = await TokenAsync(cluster, member, "alice", "pw");
        var (clusterClient, maintenance) = (new Cluster.ClusterClient(cluster.Channel(member)), new Maintenance.MaintenanceClient(cluster.Channel(member)));

        Func<Metadata?, Task>[] forRoot =
        [
            caller => auth.AuthStatusAsync(new(), caller).ResponseAsync,
            caller => auth.UserListAsync(new(), caller).ResponseAsync,
            caller => auth.UserGetAsync(new() { Name = "root" }, caller).ResponseAsync,
            caller => auth.RoleListAsync(new(), caller).ResponseAsync,
            caller => maintenance.HashKVAsync(new(), caller).ResponseAsync,
            caller => maintenance.AlarmAsync(new(), caller).ResponseAsync,
            caller => maintenance.DefragmentAsync(new(), caller).ResponseAsync,
            caller => maintenance.DowngradeAsync(new() { Version = "3.4.0" }, caller).ResponseAsync,
            caller => maintenance.Snapshot(new(), caller).ResponseStream.MoveNext(),
            caller => clusterClient.MemberUpdateAsync(new() { ID = MemberId(), PeerURLs = { member.PeerUrl } }, caller).ResponseAsync,
            caller => KvOf(cluster, member).CompactAsync(new() { Revision = 1 }, caller).ResponseAsync,
        ];
        foreach (var call in forRoot)
        {
            await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: user name is empty", call(null));
            await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", call(alice));
            await call(root);
        }

        Assert.Equal(["app"], (await auth.UserGetAsync(new() { Name = "alice" }, alice)).Roles);
        Assert.Empty((await auth.RoleGetAsync(new() { Role = "app" }, alice)).Perm);
        // Clients ask for the version before they know who they are.
        Assert.NotEmpty((await maintenance.StatusAsync(new())).Version);
        Assert.Single((await clusterClient.MemberListAsync(new(), alice)).Members);
        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: user name is empty", clusterClient.MemberListAsync(new()).ResponseAsync);
        await RefusedAsync(
            StatusCode.Unknown, "auth: authentication failed, password was given for no password user",
            auth.AuthenticateAsync(new() { Name = "machine", Password = "" }).ResponseAsync);

        ulong MemberId() => clusterClient.MemberList(new(), root).Members.Single().ID;
    }

    [Fact]
    public async Task A_session_answers_its_own_user_only()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var member = cluster.Members[0];
        var root = await EnableAsync(cluster, member);
        await AuthOf(cluster, member).UserAddAsync(new() { Name = "other", Password = "pw" }, root);
        await AuthOf(cluster, member).UserGrantRoleAsync(new() { User = "other", Role = "root" }, root);
        var other = await TokenAsync(cluster, member, "other", "pw");
        var session = (await new Sessions.SessionsClient(cluster.Channel(member)).OpenAsync(new(), root)).Session;
        Metadata Stamped(Metadata caller) => [.. caller, new("raft-session", $"{session}"), new("raft-sequence", "1")];

        var first = await KvOf(cluster, member).PutAsync(Put("a"), Stamped(root));
        Assert.Equal(first, await KvOf(cluster, member).PutAsync(Put("a"), Stamped(root)));
        await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", KvOf(cluster, member).PutAsync(Put("a"), Stamped(other)).ResponseAsync);
    }

    [Fact]
    public async Task Watches_and_leases_ask_for_permission_too()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var member = cluster.Members[0];
        var auth = AuthOf(cluster, member);
        var root = await EnableAsync(cluster, member);
        await auth.RoleAddAsync(new() { Name = "app" }, root);
        await auth.RoleGrantPermissionAsync(new() { Name = "app", Perm = new() { PermType = Permission.Types.Type.Readwrite, Key = Bytes("a") } }, root);
        await auth.UserAddAsync(new() { Name = "alice", Password = "pw" }, root);
        await auth.UserGrantRoleAsync(new() { User = "alice", Role = "app" }, root);
        var alice = await TokenAsync(cluster, member, "alice", "pw");
        var leases = new Lease.LeaseClient(cluster.Channel(member));

        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: user name is empty", leases.LeaseGrantAsync(new() { TTL = 60 }).ResponseAsync);
        var lease = (await leases.LeaseGrantAsync(new() { TTL = 60 }, alice)).ID;
        await KvOf(cluster, member).PutAsync(new() { Key = Bytes("b"), Lease = lease }, root);
        await RefusedAsync(
            StatusCode.PermissionDenied, "etcdserver: permission denied",
            KvOf(cluster, member).PutAsync(new() { Key = Bytes("a"), Lease = lease }, alice).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", leases.LeaseRevokeAsync(new() { ID = lease }, alice).ResponseAsync);
        await RefusedAsync(
            StatusCode.PermissionDenied, "etcdserver: permission denied", leases.LeaseTimeToLiveAsync(new() { ID = lease, Keys = true }, alice).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", leases.LeaseLeasesAsync(new(), alice).ResponseAsync);
        Assert.Equal(lease, (await leases.LeaseTimeToLiveAsync(new() { ID = lease }, alice)).ID);
        using (var keepAlive = leases.LeaseKeepAlive(alice))
        {
            await keepAlive.RequestStream.WriteAsync(new() { ID = lease });
            await RefusedAsync(StatusCode.PermissionDenied, "etcdserver: permission denied", keepAlive.ResponseStream.MoveNext());
        }

        using var watch = new Watch.WatchClient(cluster.Channel(member)).Watch(alice);
        Assert.Equal(
            (-1, "rpc error: code = PermissionDenied desc = etcdserver: permission denied"),
            await CreateAsync(new() { Key = Bytes("a"), RangeEnd = Bytes("\0") }));
        Assert.Equal((0, ""), await CreateAsync(new() { Key = Bytes("a") }));
        await KvOf(cluster, member).PutAsync(Put("a"), alice);
        Assert.True(await watch.ResponseStream.MoveNext());
        Assert.Single(watch.ResponseStream.Current.Events);

        async Task<(long Id, string Reason)> CreateAsync(WatchCreateRequest request)
        {
            await watch.RequestStream.WriteAsync(new() { CreateRequest = request });
            Assert.True(await watch.ResponseStream.MoveNext());
            Assert.True(watch.ResponseStream.Current.Created);
            return (watch.ResponseStream.Current.WatchId, watch.ResponseStream.Current.CancelReason);
        }
    }

    [Fact]
    public async Task The_json_gateway_takes_its_token_from_the_authorization_header()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var member = cluster.Members[0];
        await EnableAsync(cluster, member);
        using var http = new HttpClient { BaseAddress = new Uri(member.ClientUrl) };

        Assert.Contains("user name is empty", await PostAsync("/v3/kv/range", """{"key":"YQ=="}"""), StringComparison.Ordinal);
        Assert.Contains("invalid user ID or password", await PostAsync("/v3/auth/authenticate", """{"name":"root","password":"?"}"""), StringComparison.Ordinal);
        using var answer = System.Text.Json.JsonDocument.Parse(await PostAsync("/v3/auth/authenticate", """{"name":"root","password":"root"}"""));
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", answer.RootElement.GetProperty("token").GetString());
        Assert.Contains("revision", await PostAsync("/v3/kv/put", """{"key":"YQ==","value":"MQ=="}"""), StringComparison.Ordinal);
        Assert.Contains("\"value\":\"MQ==\"", await PostAsync("/v3/kv/range", """{"key":"YQ=="}"""), StringComparison.Ordinal);
        http.DefaultRequestHeaders.Clear();
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "made.1");
        Assert.Contains("invalid auth token", await PostAsync("/v3/kv/range", """{"key":"YQ=="}"""), StringComparison.Ordinal);

        async Task<string> PostAsync(string path, string json)
        {
            using var content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
            using var response = await http.PostAsync(new Uri(path, UriKind.Relative), content);
            return await response.Content.ReadAsStringAsync();
        }
    }

    [Fact]
    public async Task Signed_tokens_outlive_a_restart_but_no_change_of_users()
    {
        using var key = RSA.Create(2048);
        await using var cluster = LocalCluster.Prepare(3);
        var file = Path.Combine(cluster.Folder, "key.pem");
        await File.WriteAllTextAsync(file, key.ExportPkcs8PrivateKeyPem());
        var flags = new[] { "--bcrypt-cost=4", $"--auth-token=jwt,sign-method=RS256,priv-key={file},ttl=10m" };
        cluster.Members.ForEach(member => cluster.Start(member, "new", flags));
        await cluster.ReadyAsync();
        var member = cluster.Members[0];
        var root = await EnableAsync(cluster, member);
        await KvOf(cluster, cluster.Members[1]).PutAsync(Put("a"), root);
        await RefusedAsync(StatusCode.Unauthenticated, "etcdserver: invalid auth token", KvOf(cluster, member).PutAsync(Put("a"), new Metadata { { "token", root[0].Value + "x" } }).ResponseAsync);

        await member.Process!.KillAsync();
        cluster.Start(member, "new", flags);
        await cluster.ReadyAsync();
        await KvOf(cluster, member).PutAsync(Put("a"), root);

        await AuthOf(cluster, member).UserAddAsync(new() { Name = "alice", Password = "pw" }, root);
        await RefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: revision of auth store is old", KvOf(cluster, member).PutAsync(Put("a"), root).ResponseAsync);
        root = await TokenAsync(cluster, member, "root", "root");
        await KvOf(cluster, member).PutAsync(Put("a"), root);
    }

    [Theory]
    [InlineData("--auth-token=magic", "is neither simple nor jwt")]
    [InlineData("--auth-token=jwt", "sign-method must be one of")]
    [InlineData("--auth-token=jwt,sign-method=RS256", "priv-key names no file")]
    [InlineData("--auth-token=jwt,sign-method=HS256,priv-key=/nowhere", "'/nowhere' does not exist")]
    [InlineData("--auth-token=jwt,sign-method=RS256,priv-key=/etc/hostname,ttl=soon", "must be a duration")]
    [InlineData("--bcrypt-cost=40", "is no whole number from 4 to 31")]
    public async Task Settings_that_make_no_sense_are_refused(string flag, string says)
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync(flag);
        Assert.Equal(64, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_that_cannot_sign_are_refused_at_start()
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync("--auth-token=jwt,sign-method=RS256,priv-key=/etc/hostname");
        Assert.Equal(65, exitCode);
        Assert.Contains("The keys of --auth-token cannot be used with RS256", output, StringComparison.Ordinal);
    }

    /// <summary>Adds root, enables authentication, and gives root's token.</summary>
    private static async Task<Metadata> EnableAsync(LocalCluster cluster, LocalMember member)
    {
        var auth = AuthOf(cluster, member);
        await auth.UserAddAsync(new() { Name = "root", Password = "root" });
        await auth.UserGrantRoleAsync(new() { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new());
        return await TokenAsync(cluster, member, "root", "root");
    }

    private static async Task<Metadata> TokenAsync(LocalCluster cluster, LocalMember member, string name, string password) =>
        new() { { "token", (await AuthOf(cluster, member).AuthenticateAsync(new() { Name = name, Password = password })).Token } };

    private static async Task RefusedAsync(StatusCode code, string text, Task call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal((code, text), (error.StatusCode, error.Status.Detail));
    }

    private static Auth.AuthClient AuthOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static KV.KVClient KvOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static PutRequest Put(string key) => new() { Key = Bytes(key), Value = Bytes("1") };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
