using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Raft.Differential.Tests.Servers;
using Raft.Differential.Tests.Wire;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests;

/// <summary>What no client library would send, or would hide from who uses it: bytes, statuses, headers, trailers.</summary>
public sealed class WireTests
{
    private const string Kv = "/etcdserverpb.KV/";

    [Fact]
    public async Task Calls_that_no_client_makes_are_refused_alike()
    {
        await using var pair = await StartAsync();
        await pair.CompareAsync(async server => (await server.CallAsync(Kv + "NoSuchMethod", new RangeRequest())).WithoutText());
        await pair.CompareAsync(async server => (await server.CallAsync("/etcdserverpb.NoSuchService/Range", new RangeRequest())).WithoutText());
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest()));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Put", new PutRequest { Key = Bytes("a"), Value = Bytes("x") }));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest { Key = Bytes("b"), RangeEnd = Bytes("a") }));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest { Key = Bytes("a"), Limit = long.MaxValue }));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Put", new PutRequest { Key = Bytes("a"), Value = ByteString.CopyFrom(new byte[1_600_000]) }));
        // Fields that nobody knows are let pass.
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new byte[] { 0x0a, 1, (byte)'a', 0xf8, 0x3f, 1 }));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest { Key = Bytes("a") }, ("hasleader", "true")));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest { Key = Bytes("a") }, ("hasleader", "maybe")));
        await pair.CompareAsync(server => server.CallAsync(Kv + "Range", new RangeRequest { Key = Bytes("a") }, ("token", "nobodys.7")));
        Assert.True(pair.Differences.Count == 0, string.Join('\n', pair.Differences));
    }

    [Fact]
    public async Task The_gateways_answers_have_the_same_bytes()
    {
        await using var pair = await StartAsync();
        foreach (var (path, json) in new[]
        {
            ("kv/put", """{"key":"YQ==","value":"eA=="}"""),
            ("kv/put", """{"key":"YQ==","value":"eA==","prevKv":true}"""),
            ("kv/range", """{"key":"YQ=="}"""),
            ("kv/range", """{"key":"YQ==","limit":"9223372036854775807","sort_order":"DESCEND"}"""),
            ("kv/range", """{"key":"YQ==","sort_order":1,"range_end":"AA=="}"""),
            ("kv/range", "{}"),
            ("kv/range", """{"key":"YQ==","revision":99}"""),
            ("kv/deleterange", """{"key":"bm9uZQ=="}"""),
            ("kv/txn", """{"success":[{"request_put":{"key":"YQ==","value":"eQ=="}}]}"""),
            ("kv/txn", """{"compare":[{"key":"YQ==","result":"EQUAL","target":"VERSION","version":"7"}],"failure":[{"request_range":{"key":"YQ=="}}]}"""),
            ("kv/compaction", """{"revision":"99"}"""),
            ("lease/grant", """{"TTL":"1000","ID":"12"}"""),
            ("lease/timetolive", """{"ID":"13"}"""),
            ("lease/revoke", """{"ID":"13"}"""),
            ("lease/leases", "{}"),
            ("auth/status", "{}"),
            ("auth/authenticate", """{"name":"root","password":"x"}"""),
            ("auth/user/add", """{"name":"","password":"x"}"""),
            ("auth/user/get", """{"name":"nobody"}"""),
        })
        {
            await pair.CompareAsync(server => server.HttpAsync("POST", "/v3/" + path, json), asked: $"{path} {json}");
        }

        Assert.True(pair.Differences.Count == 0, string.Join('\n', pair.Differences));
    }

    [Fact]
    public async Task Pages_beside_the_api_are_there()
    {
        await using var pair = await StartAsync();
        await pair.CompareAsync(async server => (await server.HttpAsync("GET", "/health")).StatusAndBody);
        await pair.CompareAsync(async server => (await server.HttpAsync("GET", "/health?serializable=true")).StatusAndBody);
        foreach (var page in new[]
        {
            "/livez", "/livez?verbose", "/livez/serializable_read", "/readyz", "/readyz?verbose=false", "/readyz?exclude=none",
            "/readyz?exclude=serializable_read&exclude=data_corruption&verbose", "/readyz/data_corruption", "/readyz/serializable_read?verbose",
            "/readyz/linearizable_read?verbose&exclude=linearizable_read",
        })
        {
            // In no order there.
            await pair.CompareAsync(
                async server => await server.HttpAsync("GET", page) is var answer
                    ? $"{answer.Status} {string.Join('\n', answer.Body.Split('\n').Order(StringComparer.Ordinal))}"
                    : "",
                asked: page);
        }

        await pair.CompareAsync(async server => (await server.HttpAsync("GET", "/livez/data_corruption")).Status);
        await pair.CompareAsync(async server => (await server.HttpAsync("GET", "/metrics")).StatusAndHead);
        await pair.CompareAsync(async server => (await server.HttpAsync("GET", "/no/such/page")).Status);
        await pair.CompareAsync(async server => (await server.HttpAsync("POST", "/v3/no/such/method", "{}")).Status);
        await pair.CompareAsync(async server =>
        {
            var version = JsonNode.Parse((await server.HttpAsync("GET", "/version")).Body)!.AsObject();
            // Ours has a version of its own, too.
            version.Remove("raft");
            return version.ToJsonString();
        });
        Assert.True(pair.Differences.Count == 0, string.Join('\n', pair.Differences));
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static async Task<RawPair> StartAsync() => new(new(await ServerProcess.StartEtcdAsync()), new(await ServerProcess.StartOursAsync()));

    /// <summary>Both servers, asked the same.</summary>
    private sealed class RawPair(RawServer theirs, RawServer ours) : IAsyncDisposable
    {
        public List<string> Differences { get; } = [];

        public async Task CompareAsync<T>(
            Func<RawServer, Task<T>> askAsync, [CallerArgumentExpression(nameof(askAsync))] string asked = "")
        {
            var (their, our) = (await askAsync(theirs), await askAsync(ours));
            if (!Equals(their, our)) Differences.Add($"{asked}\n  etcd: {their}\n  ours: {our}");
        }

        public async ValueTask DisposeAsync()
        {
            await theirs.DisposeAsync();
            await ours.DisposeAsync();
        }
    }
}
