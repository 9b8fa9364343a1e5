using System.Net.Sockets;
using System.Text;
using Grpc.Core;

namespace Raft.Server.Tests;

/// <summary>A member that is asked to stop waits for nobody who would keep a connection open for ever.</summary>
public sealed class StopTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_that_would_never_end_are_told_and_keep_no_member_from_stopping()
    {
        // Longer than a test waits.
        await using var cluster = await LocalCluster.StartAsync(1, "--shutdown-timeout=600000");
        var member = cluster.Members[0];
        using var watch = new Grpc.Health.V1.Health.HealthClient(cluster.Channel(member)).Watch(new(), cancellationToken: Stop);
        Assert.True(await watch.ResponseStream.MoveNext(Stop));
        using var http = new HttpClient();
        using var put = new HalfSentMessage();
        using var snapshot = new HalfSentMessage();
        var calls = new[]
        {
            http.SendAsync(put.To(member, "etcdserverpb.KV/Put"), HttpCompletionOption.ResponseHeadersRead, Stop),
            http.SendAsync(snapshot.To(member, "etcdserverpb.Maintenance/Snapshot"), HttpCompletionOption.ResponseHeadersRead, Stop),
        };
        await Task.WhenAll(put.IsHalfSent, snapshot.IsHalfSent);
        var port = new Uri(member.ClientUrl).Port;
        using var silent = new TcpClient("127.0.0.1", port);
        using var json = new TcpClient("127.0.0.1", port);
        await json.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"), Stop);

        Assert.Equal(0, await member.Process!.TerminateAsync());

        var refusal = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(Stop));
        Assert.Equal((StatusCode.Unavailable, "etcdserver: server stopped"), (refusal.StatusCode, refusal.Status.Detail));
        foreach (var answer in await Task.WhenAll(calls))
        {
            using (answer)
            {
                Assert.Equal("14", Assert.Single(answer.Headers.GetValues("grpc-status")));
            }
        }

        using var reader = new StreamReader(json.GetStream());
        Assert.StartsWith("HTTP/1.1 503", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        Assert.DoesNotContain(" fail: ", member.Process.Output, StringComparison.Ordinal);
    }
}
