using dotnet_etcd;
using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using V3Lockpb;

namespace Raft.Server.Tests;

/// <summary>A client of etcd that others wrote, as its users use it.</summary>
public sealed class DotnetEtcdTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_are_put_got_and_changed_in_transactions()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        using var client = ClientOf(cluster);
        await client.PutAsync("greeting", "hello");
        Assert.Equal("hello", await client.GetValAsync("greeting"));
        await client.PutAsync("greeting/2", "hi");
        Assert.Equal(["hello", "hi"], (await client.GetRangeValAsync("greeting")).OrderBy(pair => pair.Key).Select(pair => pair.Value));

        var swap = new TxnRequest
        {
            Compare = { new Compare { Key = Bytes("greeting"), Target = Compare.Types.CompareTarget.Value, Value = Bytes("hello") } },
            Success = { new RequestOp { RequestPut = new() { Key = Bytes("greeting"), Value = Bytes("bye") } } },
            Failure = { new RequestOp { RequestDeleteRange = new() { Key = Bytes("greeting") } } },
        };
        Assert.True((await client.TransactionAsync(swap)).Succeeded);
        Assert.Equal("bye", await client.GetValAsync("greeting"));
        Assert.False((await client.TransactionAsync(swap)).Succeeded);
        Assert.Equal(1, (await client.DeleteRangeAsync("greeting")).Deleted);
    }

    [Fact]
    public async Task A_watch_tells_what_changes()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var client = ClientOf(cluster);
        var told = System.Threading.Channels.Channel.CreateUnbounded<string>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var request = new WatchRequest { CreateRequest = new() { Key = Bytes("w"), RangeEnd = Bytes("x"), StartRevision = 2 } };
        var watching = client.WatchAsync(
            request,
            response =>
            {
                foreach (var each in response.Events) told.Writer.TryWrite($"{each.Type} {each.Kv.Key.ToStringUtf8()} {each.Kv.Value.ToStringUtf8()}");
            },
            cancellationToken: end.Token);
        await client.PutAsync("w/1", "one");
        await client.PutAsync("other", "two");
        await client.DeleteAsync("w/1");

        Assert.Equal("Put w/1 one", await told.Reader.ReadAsync(Stop));
        Assert.Equal("Delete w/1 ", await told.Reader.ReadAsync(Stop));
        await end.CancelAsync();
    }

    [Fact]
    public async Task Leases_hold_keys_and_locks()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var client = ClientOf(cluster);
        var lease = await client.LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000 });
        await client.PutAsync(new PutRequest { Key = Bytes("mine"), Lease = lease.ID });
        Assert.Equal(Bytes("mine"), Assert.Single((await client.LeaseTimeToLiveAsync(new() { ID = lease.ID, Keys = true })).Keys));

        var held = await client.LockAsync(new LockRequest { Name = Bytes("lock"), Lease = lease.ID });
        var other = await client.LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000 });
        var waiting = client.LockAsync(new LockRequest { Name = Bytes("lock"), Lease = other.ID });
        await LocalCluster.UntilAsync("the second one waits", cluster.Members[0], async () => (await client.GetRangeAsync("lock/")).Count == 2);
        Assert.False(waiting.IsCompleted);
        await client.UnlockAsync(new UnlockRequest { Key = held.Key });
        Assert.NotEqual(held.Key, (await waiting).Key);

        await client.LeaseRevokeAsync(new() { ID = lease.ID });
        Assert.Equal("", await client.GetValAsync("mine"));
    }

    [Fact]
    public async Task Users_log_in_and_are_held_to_their_permissions()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        using var client = ClientOf(cluster);
        await client.UserAddAsync(new() { Name = "root", Password = "secret" });
        await client.RoleAddAsync(new() { Name = "root" });
        await client.UserGrantRoleAsync(new() { User = "root", Role = "root" });
        await client.AuthEnableAsync(new());
        var root = await LoginAsync("root", "secret");
        await client.UserAddAsync(new() { Name = "alice", Password = "pw" }, root);
        await client.RoleAddAsync(new() { Name = "reader" }, root);
        await client.RoleGrantPermissionAsync(
            new() { Name = "reader", Perm = new() { PermType = Authpb.Permission.Types.Type.Read, Key = Bytes("a") } }, root);
        await client.UserGrantRoleAsync(new() { User = "alice", Role = "reader" }, root);
        await client.PutAsync("a", "1", root);

        var alice = await LoginAsync("alice", "pw");
        Assert.Equal("1", await client.GetValAsync("a", alice));
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.PutAsync("a", "2", alice));
        Assert.Equal((StatusCode.PermissionDenied, "etcdserver: permission denied"), (refused.StatusCode, refused.Status.Detail));

        async Task<Metadata> LoginAsync(string name, string password) =>
            new() { { "token", (await client.AuthenticateAsync(new AuthenticateRequest { Name = name, Password = password })).Token } };
    }

    private static EtcdClient ClientOf(LocalCluster cluster) =>
        new(cluster.Endpoints, configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
