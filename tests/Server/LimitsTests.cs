using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>What one client may take is bounded, and what is too much is refused as etcd refuses it.</summary>
public sealed class LimitsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_beyond_the_limit_are_refused_until_others_end_and_probes_go_on()
    {
        await using var cluster = await LocalCluster.StartAsync(1, "--max-open-calls=20");
        var member = cluster.Members[0];
        var channel = cluster.Channel(member);
        var (watch, kv) = (new Watch.WatchClient(channel), new KV.KVClient(channel));
        var streams = new List<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>>();
        for (var count = 0; count < 20; count++)
        {
            streams.Add(watch.Watch(cancellationToken: Stop));
            Assert.True((await CreateAsync(streams[^1])).Created);
        }

        await RefusedAsync(kv.PutAsync(new() { Key = Bytes("a") }, cancellationToken: Stop).ResponseAsync);
        using (var further = watch.Watch(cancellationToken: Stop))
        {
            await RefusedAsync(further.ResponseStream.MoveNext(Stop));
        }

        using (var http = new HttpClient())
        using (var json = new StringContent("""{"key":"YQ=="}""", System.Text.Encoding.UTF8, "application/json"))
        {
            using var answer = await http.PostAsync(new Uri(member.ClientUrl + "/v3/kv/range"), json, Stop);
            Assert.Contains("etcdserver: too many requests", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        }

        await cluster.UntilReadyAsync(member);
        streams[0].Dispose();
        await LocalCluster.UntilAsync("there is room again", member, async () =>
            (await kv.PutAsync(new() { Key = Bytes("a") }, cancellationToken: Stop)).Header.Revision > 0);
        Assert.True(await streams[1].ResponseStream.MoveNext(Stop));
        streams.ForEach(stream => stream.Dispose());
    }

    [Theory]
    [InlineData("--max-watchers-per-stream=10")]
    [InlineData("--max-watchers=10")]
    public async Task Watches_beyond_the_limit_are_canceled_with_the_reason(string flag)
    {
        await using var cluster = await LocalCluster.StartAsync(1, flag);
        using var stream = new Watch.WatchClient(cluster.Channel(cluster.Members[0])).Watch(cancellationToken: Stop);
        for (var count = 0; count < 10; count++)
        {
            Assert.False((await CreateAsync(stream)).Canceled);
        }

        var refused = await CreateAsync(stream);
        Assert.Equal((-1, true, true, "etcdserver: too many requests"), (refused.WatchId, refused.Created, refused.Canceled, refused.CancelReason));

        // The stream and its watches live on.
        await stream.RequestStream.WriteAsync(new() { CancelRequest = new() { WatchId = 3 } }, Stop);
        Assert.True(await stream.ResponseStream.MoveNext(Stop));
        Assert.Equal((3, true), (stream.ResponseStream.Current.WatchId, stream.ResponseStream.Current.Canceled));
        Assert.False((await CreateAsync(stream)).Canceled);
    }

    private static async Task<WatchResponse> CreateAsync(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> stream)
    {
        await stream.RequestStream.WriteAsync(new() { CreateRequest = new() { Key = Bytes("a") } }, Stop);
        Assert.True(await stream.ResponseStream.MoveNext(Stop));
        return stream.ResponseStream.Current;
    }

    private static async Task RefusedAsync(Task call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal((StatusCode.ResourceExhausted, "etcdserver: too many requests"), (refusal.StatusCode, refusal.Status.Detail));
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
