using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>Watches as clients have them: over gRPC, on any member.</summary>
public sealed class WatchTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_member_tells_of_what_any_member_acknowledged_from_the_revision_asked_for_on()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        await kv.PutAsync(new() { Key = Bytes("a"), Value = Bytes("1") }, cancellationToken: Stop);
        await kv.DeleteRangeAsync(new() { Key = Bytes("a") }, cancellationToken: Stop);
        var watches = cluster.Members.Select(member => Open(cluster, member)).ToList();
        foreach (var watch in watches)
        {
            await watch.CreateAsync(new() { Key = Bytes("a"), StartRevision = 1, PrevKv = true });
            Assert.True((await watch.NextAsync()).Created);
            var past = await watch.EventsAsync(2);
            Assert.Equal([Event.Types.EventType.Put, Event.Types.EventType.Delete], past.Select(change => change.Type));
            Assert.Equal("1", past[1].PrevKv.Value.ToStringUtf8());
        }

        var put = await kv.PutAsync(new() { Key = Bytes("a"), Value = Bytes("2") }, cancellationToken: Stop);
        foreach (var watch in watches)
        {
            var now = Assert.Single(await watch.EventsAsync(1));
            Assert.Equal((put.Header.Revision, "2"), (now.Kv.ModRevision, now.Kv.Value.ToStringUtf8()));
            watch.Dispose();
        }
    }

    [Fact]
    public async Task What_cannot_be_watched_is_said_in_the_stream_as_etcd_says_it()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        for (var value = 0; value < 5; value++)
        {
            await kv.PutAsync(new() { Key = Bytes("a") }, cancellationToken: Stop);
        }

        await kv.CompactAsync(new() { Revision = 4 }, cancellationToken: Stop);
        using var watch = Open(cluster, cluster.Members[0]);
        await watch.CreateAsync(new() { Key = Bytes("b"), RangeEnd = Bytes("a") });
        var refused = await watch.NextAsync();
        Assert.Equal((true, true, -1, "mvcc: watcher range is empty"), (refused.Created, refused.Canceled, refused.WatchId, refused.CancelReason));

        await watch.CreateAsync(new() { Key = Bytes("a"), WatchId = 7 });
        Assert.Equal(7, (await watch.NextAsync()).WatchId);
        await watch.CreateAsync(new() { Key = Bytes("a"), WatchId = 7 });
        Assert.Equal("mvcc: duplicate watch ID provided on the WatchStream", (await watch.NextAsync()).CancelReason);

        await watch.CreateAsync(new() { Key = Bytes("a"), StartRevision = 2 });
        Assert.True((await watch.NextAsync()).Created);
        var compacted = await watch.NextAsync();
        Assert.Equal((true, 4), (compacted.Canceled, compacted.CompactRevision));

        await watch.Call.RequestStream.WriteAsync(new() { CancelRequest = new() { WatchId = 7 } }, Stop);
        var canceled = await watch.NextAsync();
        Assert.Equal((7, true, 0), (canceled.WatchId, canceled.Canceled, canceled.CompactRevision));
    }

    [Fact]
    public async Task Progress_is_told_on_request_and_a_fragmented_response_is_whole_in_the_end()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--max-request-bytes=100000");
        var kv = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        using var watch = Open(cluster, cluster.Members[0]);
        await watch.CreateAsync(new() { Key = Bytes("a"), RangeEnd = Bytes("b"), Fragment = true, PrevKv = true });
        await watch.NextAsync();
        for (var round = 0; round < 2; round++)
        {
            await kv.TxnAsync(
                new()
                {
                    Success =
                    {
                        Enumerable.Range(0, 3).Select(key => new RequestOp
                        {
                            RequestPut = new() { Key = Bytes($"a{key}"), Value = ByteString.CopyFrom(new byte[30_000]) },
                        }),
                    },
                },
                cancellationToken: Stop);
        }

        var responses = new List<WatchResponse>();
        while (responses.Sum(response => response.Events.Count) < 6)
        {
            responses.Add(await watch.NextAsync());
        }

        Assert.Contains(responses, response => response.Fragment);
        Assert.False(responses[^1].Fragment);
        await watch.Call.RequestStream.WriteAsync(new() { ProgressRequest = new() }, Stop);
        var progress = await watch.NextAsync();
        Assert.Equal((-1, 3, 0), (progress.WatchId, progress.Header.Revision, progress.Events.Count));
    }

    [Fact]
    public async Task A_client_that_needs_a_leader_is_sent_away_when_there_is_none()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        using var watch = new OpenWatch(new Watch.WatchClient(cluster.Channel(cluster.Members[0])).Watch(new Metadata { { "hasleader", "true" } }));
        await watch.CreateAsync(new() { Key = Bytes("a") });
        await watch.NextAsync();
        await cluster.Members[1].Process!.KillAsync();
        await cluster.Members[2].Process!.KillAsync();
        var ended = await Assert.ThrowsAsync<RpcException>(watch.NextAsync);
        Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (ended.StatusCode, ended.Status.Detail));

        // So is each call of any service that says so, and no other.
        var channel = cluster.Channel(cluster.Members[0]);
        var needed = new Metadata { { "hasleader", "true" } };
        await RefusedAsync(new Maintenance.MaintenanceClient(channel).StatusAsync(new(), needed, cancellationToken: Stop).ResponseAsync);
        await RefusedAsync(new Maintenance.MaintenanceClient(channel).Snapshot(new(), needed, cancellationToken: Stop).ResponseStream.MoveNext(Stop));
        await RefusedAsync(new Cluster.ClusterClient(channel).MemberListAsync(new(), needed, cancellationToken: Stop).ResponseAsync);
        await RefusedAsync(new Auth.AuthClient(channel).AuthStatusAsync(new(), needed, cancellationToken: Stop).ResponseAsync);
        await RefusedAsync(new Lease.LeaseClient(channel).LeaseGrantAsync(new() { TTL = 60 }, needed, cancellationToken: Stop).ResponseAsync);
        await RefusedAsync(new KV.KVClient(channel).RangeAsync(new() { Key = Bytes("a"), Serializable = true }, needed, cancellationToken: Stop).ResponseAsync);
        Assert.Equal(3, (await new Cluster.ClusterClient(channel).MemberListAsync(new(), cancellationToken: Stop)).Members.Count);

        static async Task RefusedAsync(Task call)
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => call);
            Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (refusal.StatusCode, refusal.Status.Detail));
        }
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static OpenWatch Open(LocalCluster cluster, LocalMember member) =>
        new(new Watch.WatchClient(cluster.Channel(member)).Watch(cancellationToken: Stop));

    private sealed class OpenWatch(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call) : IDisposable
    {
        public AsyncDuplexStreamingCall<WatchRequest, WatchResponse> Call => call;

        public Task CreateAsync(WatchCreateRequest request) => call.RequestStream.WriteAsync(new() { CreateRequest = request }, Stop);

        public async Task<WatchResponse> NextAsync()
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            patience.CancelAfter(TimeSpan.FromSeconds(60));
            Assert.True(await call.ResponseStream.MoveNext(patience.Token));
            return call.ResponseStream.Current;
        }

        public async Task<List<Event>> EventsAsync(int count)
        {
            var events = new List<Event>();
            while (events.Count < count)
            {
                events.AddRange((await NextAsync()).Events);
            }

            return events;
        }

        public void Dispose() => call.Dispose();
    }
}
