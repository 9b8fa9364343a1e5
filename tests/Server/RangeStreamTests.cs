using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>A range in parts, as etcd 3.7 streams it.</summary>
public sealed class RangeStreamTests
{
    private const int Keys = 400;

    [Fact]
    public async Task The_parts_are_together_what_a_range_answers()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        for (var key = 0; key < Keys; key++) await client.PutAsync(new() { Key = Bytes($"key/{key:d4}"), Value = ByteString.CopyFrom(new byte[10_000]) });

        var request = new RangeRequest { Key = Bytes("key/"), RangeEnd = Bytes("key0"), Limit = Keys - 3 };
        var parts = await client.RangeStream(request).ResponseStream.ReadAllAsync().Select(static part => part.RangeResponse).ToListAsync();
        var together = new RangeResponse();
        foreach (var part in parts) together.MergeFrom(part);

        Assert.Equal(await client.RangeAsync(request), together);
        Assert.True(parts.Count > 2);
        Assert.All(parts.SkipLast(1), static part => Assert.Null(part.Header));
        Assert.All(parts, static part => Assert.InRange(part.CalculateSize(), 1, 2 << 20));
    }

    [Fact]
    public async Task What_a_range_refuses_a_stream_refuses()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var client = new KV.KVClient(cluster.Channel(cluster.Members[0]));
        var future = await Assert.ThrowsAsync<RpcException>(async () => await client.RangeStream(new() { Key = Bytes("a"), RangeEnd = Bytes("b"), Revision = 99 }).ResponseStream.MoveNext());
        Assert.Equal((StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision"), (future.StatusCode, future.Status.Detail));
        var keyless = await Assert.ThrowsAsync<RpcException>(async () => await client.RangeStream(new()).ResponseStream.MoveNext());
        Assert.Equal("etcdserver: key is not provided", keyless.Status.Detail);
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
