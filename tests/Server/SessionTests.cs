using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

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

    private static Sessions.SessionsClient SessionsOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));

    private static Metadata In(ulong session, int sequence) => new() { { "raft-session", $"{session}" }, { "raft-sequence", $"{sequence}" } };

    private static PutRequest Put(string value) => new() { Key = Bytes("a"), Value = Bytes(value) };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
