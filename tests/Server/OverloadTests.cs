using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>More than a member can take: it says so, stays within its memory, and keeps what it has acknowledged.</summary>
public sealed class OverloadTests
{
    private const int Channels = 20;
    private const long HeapBytesMax = 768L << 20;
    private const long ResidentBytesMax = 1024L << 20;

    /// <summary>Few machines stand this without a moment in which the leader is not heard: what such a moment answers is clear too.</summary>
    [Fact]
    public async Task Ten_thousand_requests_at_once_are_answered()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var answers = await PutAtOnceAsync(cluster, await cluster.LeaderAsync(), requests: 10_000, valueBytes: 100);
        await CheckAsync(cluster, answers);
        Assert.Contains(Status.DefaultSuccess, answers);
    }

    /// <summary>Without a quorum nothing ends: all that comes has to wait, in a bounded room.</summary>
    [Fact]
    public async Task What_is_too_much_is_refused_before_memory_runs_out()
    {
        await using var cluster = LocalCluster.Prepare(3);
        foreach (var member in cluster.Members) cluster.StartWithin(HeapBytesMax, member);
        await cluster.ReadyAsync();
        var leader = await cluster.LeaderAsync();
        var others = cluster.Members.Where(member => member != leader).ToList();
        foreach (var other in others) await other.Process!.PauseAsync();
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var putting = PutAtOnceAsync(cluster, leader, requests: 1_000, valueBytes: 400_000, refused);
        await Task.WhenAny(refused.Task, putting);
        foreach (var other in others) await other.Process!.ResumeAsync();

        var answers = await putting;
        Assert.Contains(answers, static answer => answer.StatusCode == StatusCode.ResourceExhausted);
        Assert.InRange(leader.Process!.PeakResidentBytes, 1, ResidentBytesMax);
        await CheckAsync(cluster, answers);
    }

    /// <summary>
    /// Sixty answers of 40 MB would be several times its memory. A client that reads none of them gets a few, and hinders nobody
    /// who asks for less.
    /// </summary>
    [Fact]
    public async Task Answers_that_nobody_reads_are_bounded()
    {
        await using var cluster = LocalCluster.Prepare(1);
        var member = cluster.Members[0];
        cluster.StartWithin(HeapBytesMax, member);
        await cluster.ReadyAsync();
        var client = new KV.KVClient(cluster.Channel(member));
        for (var number = 0; number < 40; number++)
            await client.PutAsync(new() { Key = Key(number), Value = UnsafeByteOperations.UnsafeWrap(new byte[1_000_000]) });

        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var everything = new RangeRequest { Key = Key(0), RangeEnd = ByteString.CopyFromUtf8("l") };
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => AskAsync(http, member, everything)));
        Assert.Contains(answers, static answer => answer.Headers.TryGetValues("grpc-status", out var status) && status.Single() == "8");
        Assert.Contains(answers, static answer => !answer.Headers.Contains("grpc-status"));
        Assert.Equal(1, (await client.RangeAsync(new() { Key = Key(7), KeysOnly = true })).Count);
        Assert.InRange(member.Process!.PeakResidentBytes, 1, ResidentBytesMax);

        foreach (var answer in answers) answer.Dispose();
        var unlimited = new KV.KVClient(cluster.Channel(member, receivedBytesMax: null));
        await LocalCluster.UntilAsync("there is room again", member, async () => (await unlimited.RangeAsync(everything)).Count == 40);
    }

    /// <summary>Until the answer begins; nobody reads on.</summary>
    private static Task<HttpResponseMessage> AskAsync(HttpClient http, LocalMember member, RangeRequest range)
    {
        byte[] message = [0, 0, 0, 0, (byte)range.CalculateSize(), .. range.ToByteArray()];
        var request = new HttpRequestMessage(HttpMethod.Post, $"{member.ClientUrl}/etcdserverpb.KV/Range")
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(message) { Headers = { ContentType = new("application/grpc") } },
        };
        return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<Status[]> PutAtOnceAsync(
        LocalCluster cluster, LocalMember member, int requests, int valueBytes, TaskCompletionSource? refused = null)
    {
        var clients = Enumerable.Range(0, Channels).Select(_ => new KV.KVClient(cluster.Channel(member))).ToList();
        var value = UnsafeByteOperations.UnsafeWrap(new byte[valueBytes]);
        return await Task.WhenAll(Enumerable.Range(0, requests).Select(async number =>
        {
            try
            {
                await clients[number % Channels].PutAsync(new() { Key = Key(number), Value = value }, deadline: DateTime.UtcNow.AddMinutes(2));
                return Status.DefaultSuccess;
            }
            catch (RpcException error)
            {
                if (error.StatusCode == StatusCode.ResourceExhausted)
                {
                    Assert.Equal("etcdserver: too many requests", error.Status.Detail);
                    refused?.TrySetResult();
                }

                return new(error.StatusCode, error.Status.Detail);
            }
        }));
    }

    /// <summary>It serves again, and what was acknowledged is there.</summary>
    private static async Task CheckAsync(LocalCluster cluster, Status[] answers)
    {
        Assert.DoesNotContain(answers, static answer => answer.StatusCode is not (StatusCode.OK or StatusCode.ResourceExhausted or StatusCode.Unavailable));
        var member = await cluster.LeaderAsync();
        var client = new KV.KVClient(cluster.Channel(member));
        await LocalCluster.UntilAsync("it serves again", member, async () => (await client.PutAsync(new() { Key = Key(0) })).Header.Revision > 0);
        var all = await client.RangeAsync(new() { Key = Key(0), RangeEnd = ByteString.CopyFromUtf8("l"), KeysOnly = true });
        var present = all.Kvs.Select(static pair => pair.Key).ToHashSet();
        for (var number = 0; number < answers.Length; number++)
            if (answers[number].StatusCode == StatusCode.OK) Assert.Contains(Key(number), present);
    }

    private static ByteString Key(int number) => ByteString.CopyFromUtf8($"key/{number:d6}");
}
