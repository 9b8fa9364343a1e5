using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Locking = Raft.Protocol.Etcd.Locks.Lock;
using Voting = Raft.Protocol.Etcd.Elections.Election;

namespace Raft.Server.Tests;

/// <summary>Exactly-once as a client sees it: over gRPC, by metadata.</summary>
public sealed class SessionTests
{
    private static readonly TxnRequest ReadOnly = new()
    {
        Success = { new RequestOp { RequestRange = new RangeRequest { Key = Bytes("a") } } },
    };

    /// <summary>Every write of the API, as an answer without the header's parts that are the answering member's own.</summary>
    private static readonly Func<KV.KVClient, Metadata, Task<(long Revision, IMessage Body)>>[] Writes =
    [
        async (kv, metadata) => Bare(await kv.PutAsync(new() { Key = Bytes("a"), Value = Bytes("1"), PrevKv = true }, metadata), response => response.Header),
        async (kv, metadata) => Bare(
            await kv.TxnAsync(
                new()
                {
                    Compare = { new Compare { Key = Bytes("a"), Target = Compare.Types.CompareTarget.Version, Version = 1 } },
                    Success = { new RequestOp { RequestPut = new() { Key = Bytes("a"), Value = Bytes("2"), PrevKv = true } } },
                },
                metadata),
            response => response.Header),
        async (kv, metadata) => Bare(await kv.DeleteRangeAsync(new() { Key = Bytes("a"), PrevKv = true }, metadata), response => response.Header),
        async (kv, metadata) => Bare(await kv.CompactAsync(new() { Revision = 3 }, metadata), response => response.Header),
    ];

    /// <summary>Every other request that goes through the log. To each, most would answer a repetition with a refusal.</summary>
    private static readonly (string What, Func<GrpcChannel, Metadata, Task<IMessage>> Ask)[] Changes =
    [
        ("grant", async (channel, metadata) => await new Lease.LeaseClient(channel).LeaseGrantAsync(new() { ID = 7, TTL = 100 }, metadata)),
        ("grant an id of the server's", async (channel, metadata) => await new Lease.LeaseClient(channel).LeaseGrantAsync(new() { TTL = 100 }, metadata)),
        ("revoke", async (channel, metadata) => await new Lease.LeaseClient(channel).LeaseRevokeAsync(new() { ID = 7 }, metadata)),
        ("raise an alarm", async (channel, metadata) => await new Maintenance.MaintenanceClient(channel).AlarmAsync(
            new() { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.Nospace, MemberID = 9 }, metadata)),
        ("clear an alarm", async (channel, metadata) => await new Maintenance.MaintenanceClient(channel).AlarmAsync(
            new() { Action = AlarmRequest.Types.AlarmAction.Deactivate, Alarm = AlarmType.Nospace, MemberID = 9 }, metadata)),
        ("begin a downgrade", async (channel, metadata) => await new Maintenance.MaintenanceClient(channel).DowngradeAsync(
            new() { Action = DowngradeRequest.Types.DowngradeAction.Enable, Version = "3.4.0" }, metadata)),
        ("cancel a downgrade", async (channel, metadata) => await new Maintenance.MaintenanceClient(channel).DowngradeAsync(
            new() { Action = DowngradeRequest.Types.DowngradeAction.Cancel }, metadata)),
        ("add a user", async (channel, metadata) => await AuthOf(channel).UserAddAsync(new() { Name = "u", Password = "pw" }, metadata)),
        ("change a password", async (channel, metadata) => await AuthOf(channel).UserChangePasswordAsync(new() { Name = "u", Password = "new" }, metadata)),
        ("add a role", async (channel, metadata) => await AuthOf(channel).RoleAddAsync(new() { Name = "r" }, metadata)),
        ("grant a permission", async (channel, metadata) => await AuthOf(channel).RoleGrantPermissionAsync(
            new() { Name = "r", Perm = new() { Key = Bytes("a"), PermType = Permission.Types.Type.Read } }, metadata)),
        ("grant a role", async (channel, metadata) => await AuthOf(channel).UserGrantRoleAsync(new() { User = "u", Role = "r" }, metadata)),
        ("revoke a role", async (channel, metadata) => await AuthOf(channel).UserRevokeRoleAsync(new() { Name = "u", Role = "r" }, metadata)),
        ("revoke a permission", async (channel, metadata) => await AuthOf(channel).RoleRevokePermissionAsync(new() { Role = "r", Key = Bytes("a") }, metadata)),
        ("delete a role", async (channel, metadata) => await AuthOf(channel).RoleDeleteAsync(new() { Role = "r" }, metadata)),
        ("delete a user", async (channel, metadata) => await AuthOf(channel).UserDeleteAsync(new() { Name = "u" }, metadata)),
        ("disable authentication", async (channel, metadata) => await AuthOf(channel).AuthDisableAsync(new(), metadata)),
    ];

    [Fact]
    public async Task A_retry_of_every_kind_of_write_gets_the_first_answer_from_whichever_member_is_asked()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        var session = (await SessionsOf(cluster, follower).OpenAsync(new() { TtlMs = 60_000 })).Session;

        foreach (var (write, sequence) in Writes.Zip(Enumerable.Range(1, Writes.Length)))
        {
            var (here, there) = (KvOf(cluster, leader), KvOf(cluster, follower));
            var first = await write(here, In(session, sequence));
            await here.PutAsync(new() { Key = Bytes("between"), Value = Bytes($"{sequence}") });
            var before = await here.RangeAsync(new() { Key = Bytes("a") });
            Assert.Equal(first, await write(there, In(session, sequence)));
            Assert.Equal(before.Header.Revision, (await here.RangeAsync(new() { Key = Bytes("a") })).Header.Revision);
        }

        await leader.Process!.KillAsync();
        var retried = await RetriedAsync(() => KvOf(cluster, follower).PutAsync(Put("last"), In(session, 100)).ResponseAsync);
        Assert.Equal(retried, (await KvOf(cluster, follower).PutAsync(Put("last"), In(session, 100))).Header.Revision);
    }

    [Fact]
    public async Task Sessions_end_with_a_clear_error_and_without_an_effect()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var (sessions, kv) = (SessionsOf(cluster, cluster.Members[0]), KvOf(cluster, cluster.Members[0]));
        var opened = await sessions.OpenAsync(new() { TtlMs = 60_000 });
        Assert.Equal(60_000, opened.TtlMs);
        Assert.NotEqual(0ul, opened.Header.MemberId);
        var revision = (await kv.PutAsync(Put("1"), In(opened.Session, 1))).Header.Revision;
        Assert.Equal(60_000, (await sessions.KeepAliveAsync(new() { Session = opened.Session, Acknowledged = 1 })).TtlMs);

        Assert.Equal(StatusCode.OutOfRange, await RefusedAsync(kv.PutAsync(Put("1"), In(opened.Session, 1))));
        await sessions.CloseAsync(new() { Session = opened.Session });
        Assert.Equal(StatusCode.NotFound, await RefusedAsync(kv.PutAsync(Put("2"), In(opened.Session, 2))));
        Assert.Equal(StatusCode.NotFound, await RefusedAsync(sessions.KeepAliveAsync(new() { Session = opened.Session })));
        Assert.Equal(StatusCode.InvalidArgument, await RefusedAsync(sessions.OpenAsync(new() { TtlMs = -1 })));
        Assert.Equal(revision, (await kv.RangeAsync(new() { Key = Bytes("a") })).Header.Revision);
    }

    [Fact]
    public async Task Wrong_metadata_is_refused_and_says_what_to_do_on_writes_and_reads_alike()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var kv = KvOf(cluster, cluster.Members[0]);
        (string Says, Metadata Metadata)[] wrong =
        [
            ("raft-session is missing", new() { { "raft-sequence", "1" } }),
            ("raft-session is missing", new() { { "raft-acknowledged", "1" } }),
            ("raft-sequence is missing", new() { { "raft-session", "1" } }),
            ("raft-session must be sent once, as a decimal number from 1", new() { { "raft-session", "0" }, { "raft-sequence", "1" } }),
            ("raft-sequence must be sent once, as a decimal number from 1", new() { { "raft-session", "1" }, { "raft-sequence", "-1" } }),
            ("raft-sequence must be sent once, as a decimal number from 1", new() { { "raft-session", "1" }, { "raft-sequence", "0x1" } }),
            ("raft-acknowledged must be sent once, as a decimal number", new() { { "raft-session", "1" }, { "raft-sequence", "2" }, { "raft-acknowledged", "" } }),
            ("raft-acknowledged must be below raft-sequence", new() { { "raft-session", "1" }, { "raft-sequence", "2" }, { "raft-acknowledged", "2" } }),
            ("raft-session must be sent once", new() { { "raft-session", "1" }, { "raft-session", "1" }, { "raft-sequence", "2" } }),
        ];
        Func<Metadata, Task>[] calls =
        [
            metadata => kv.PutAsync(Put("1"), metadata).ResponseAsync,
            metadata => kv.DeleteRangeAsync(new() { Key = Bytes("a") }, metadata).ResponseAsync,
            metadata => kv.TxnAsync(new() { Success = { new RequestOp { RequestPut = Put("1") } } }, metadata).ResponseAsync,
            metadata => kv.CompactAsync(new() { Revision = 1 }, metadata).ResponseAsync,
            metadata => kv.TxnAsync(ReadOnly, metadata).ResponseAsync,
            metadata => kv.RangeAsync(new() { Key = Bytes("a") }, metadata).ResponseAsync,
        ];
        foreach (var call in calls)
        {
            foreach (var (says, metadata) in wrong)
            {
                var error = await Assert.ThrowsAsync<RpcException>(() => call(metadata));
                Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
                Assert.Contains(says, error.Status.Detail, StringComparison.Ordinal);
            }
        }

        // To a read a session means nothing, whether it is there or not.
        var read = await kv.RangeAsync(new() { Key = Bytes("a") }, In(1, 1));
        Assert.Equal((0, 1), (read.Count, read.Header.Revision));
        Assert.True((await kv.TxnAsync(ReadOnly, In(1, 1))).Succeeded);
    }

    [Fact]
    public async Task Everything_else_that_goes_through_the_log_takes_effect_once_too()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--bcrypt-cost=4");
        var channel = cluster.Channel(cluster.Members[0]);
        var session = (await new Sessions.SessionsClient(channel).OpenAsync(new() { TtlMs = 600_000 })).Session;
        foreach (var ((what, ask), sequence) in Changes.Zip(Enumerable.Range(1, Changes.Length)))
        {
            var first = await ask(channel, In(session, sequence));
            try
            {
                Assert.Equal(first, await ask(channel, In(session, sequence)));
            }
            catch (RpcException refusal)
            {
                Assert.Fail($"'{what}' took effect a second time: {refusal.Status}");
            }
        }

        // A first answer that was a refusal is given again too.
        Task Missing() => AuthOf(channel).UserDeleteAsync(new() { Name = "later" }, In(session, 100)).ResponseAsync;
        await Assert.ThrowsAsync<RpcException>(Missing);
        await AuthOf(channel).UserAddAsync(new() { Name = "later", Password = "pw" });
        Assert.Contains("user name not found", (await Assert.ThrowsAsync<RpcException>(Missing)).Status.Detail, StringComparison.Ordinal);
        Assert.Equal(["later"], (await AuthOf(channel).UserListAsync(new())).Users);
    }

    [Fact]
    public async Task What_cannot_be_in_a_session_is_refused_there_and_says_what_can()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var channel = cluster.Channel(cluster.Members[0]);
        var session = (await new Sessions.SessionsClient(channel).OpenAsync(new())).Session;
        var member = (await new Cluster.ClusterClient(channel).MemberListAsync(new())).Members.Single();
        (string Method, Func<Metadata, Task> Ask)[] calls =
        [
            ("Cluster/MemberAdd", metadata => new Cluster.ClusterClient(channel).MemberAddAsync(
                new() { PeerURLs = { "http://127.0.0.1:1" }, IsLearner = true }, metadata).ResponseAsync),
            ("Cluster/MemberUpdate", metadata => new Cluster.ClusterClient(channel).MemberUpdateAsync(
                new() { ID = member.ID, PeerURLs = { "http://127.0.0.1:1" } }, metadata).ResponseAsync),
            ("Maintenance/Defragment", metadata => new Maintenance.MaintenanceClient(channel).DefragmentAsync(new(), metadata).ResponseAsync),
            ("Sessions/Open", metadata => new Sessions.SessionsClient(channel).OpenAsync(new(), metadata).ResponseAsync),
            ("Lock/Lock", metadata => new Locking.LockClient(channel).LockAsync(new() { Name = Bytes("l") }, metadata).ResponseAsync),
            ("Election/Campaign", metadata => new Voting.ElectionClient(channel).CampaignAsync(new() { Name = Bytes("e") }, metadata).ResponseAsync),
            ("Watch/Watch", metadata => new Watch.WatchClient(channel).Watch(metadata).ResponseStream.MoveNext(default)),
            ("Lease/LeaseKeepAlive", metadata => new Lease.LeaseClient(channel).LeaseKeepAlive(metadata).ResponseStream.MoveNext(default)),
        ];
        foreach (var (method, ask) in calls)
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => ask(In(session, 1)));
            Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
            Assert.Contains($"{method} cannot be in a session", refusal.Status.Detail, StringComparison.Ordinal);
            Assert.Contains("Put", refusal.Status.Detail, StringComparison.Ordinal);
        }

        // Its name and client URLs it may tell the others meanwhile.
        Assert.Equal(member.PeerURLs, (await new Cluster.ClusterClient(channel).MemberListAsync(new())).Members.Single().PeerURLs);
        Assert.Equal(1, (await new KV.KVClient(channel).RangeAsync(new() { Key = Bytes("l") })).Header.Revision);
    }

    [Fact]
    public async Task No_method_of_the_api_passes_over_metadata_that_makes_no_sense()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var invoker = cluster.Channel(cluster.Members[0]).CreateCallInvoker();
        var raw = Marshallers.Create(static bytes => bytes, static bytes => bytes);
        ServiceDescriptor[] services =
        [
            KV.Descriptor, Watch.Descriptor, Lease.Descriptor, Cluster.Descriptor, Maintenance.Descriptor, Auth.Descriptor,
            Locking.Descriptor, Voting.Descriptor, Sessions.Descriptor, Bootstrap.Descriptor,
        ];
        var methods = services.SelectMany(static service => service.Methods).ToList();
        Assert.True(methods.Count > 40);
        foreach (var method in methods)
        {
            var type = method switch
            {
                { IsClientStreaming: true } => MethodType.DuplexStreaming,
                { IsServerStreaming: true } => MethodType.ServerStreaming,
                _ => MethodType.Unary,
            };
            var called = new Method<byte[], byte[]>(type, method.Service.FullName, method.Name, raw, raw);
            var options = new CallOptions(new() { { "raft-session", "one" }, { "raft-sequence", "1" } }, DateTime.UtcNow.AddSeconds(30));
            var refusal = await Assert.ThrowsAsync<RpcException>(() => type switch
            {
                MethodType.Unary => invoker.AsyncUnaryCall(called, null, options, []).ResponseAsync,
                MethodType.ServerStreaming => invoker.AsyncServerStreamingCall(called, null, options, []).ResponseStream.MoveNext(default),
                _ => invoker.AsyncDuplexStreamingCall(called, null, options).ResponseStream.MoveNext(default),
            });
            Assert.True(refusal.StatusCode == StatusCode.InvalidArgument, $"{method.FullName}: {refusal.Status}");
        }
    }

    private static (long Revision, IMessage Body) Bare<TResponse>(TResponse response, Func<TResponse, ResponseHeader> header)
        where TResponse : IMessage
    {
        var revision = header(response).Revision;
        (header(response).MemberId, header(response).RaftTerm) = (0, 0);
        return (revision, response);
    }

    private static async Task<long> RetriedAsync(Func<Task<PutResponse>> put)
    {
        // Until another leads, members may answer that they do not know; with a session it is safe to ask again.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return (await put()).Header.Revision;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && attempt < 20)
            {
                // Again.
            }
        }
    }

    private static async Task<StatusCode> RefusedAsync<TResponse>(AsyncUnaryCall<TResponse> call) =>
        (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync)).StatusCode;

    private static KV.KVClient KvOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static Auth.AuthClient AuthOf(GrpcChannel channel) => new(channel);

    private static Sessions.SessionsClient SessionsOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static Metadata In(ulong session, int sequence) => new() { { "raft-session", $"{session}" }, { "raft-sequence", $"{sequence}" } };

    private static PutRequest Put(string value) => new() { Key = Bytes("a"), Value = Bytes(value) };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
