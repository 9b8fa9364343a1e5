using System.Buffers.Binary;
using System.Net;
using Grpc.Core;

namespace Raft.Server.Tests;

/// <summary>Bytes that no client library would send are refused with the codes that etcd gives.</summary>
public sealed class MalformedTests
{
    private static readonly byte[] NoMessage = Frame(0, 3, 0x0a, 0xff, 0xff);
    private static readonly byte[] HalfMessage = Frame(0, 4096, 0x0a);
    private static readonly byte[] UnknownFlag = Frame(2, 2, 0x0a, 0);
    private static readonly byte[] WithoutEncoding = Frame(1, 2, 0x0a, 0);
    private static readonly byte[] LargerThanTaken = Frame(0, 4 * 1024 * 1024, 0x0a);
    private static readonly byte[] LargerThanAnything = Frame(0, uint.MaxValue, 0x0a);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_no_message_is_refused_as_such_by_every_kind_of_method()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var url = cluster.Members[0].ClientUrl;
        using var http = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var method in new[]
        {
            "etcdserverpb.KV/Put", "etcdserverpb.Maintenance/Status", "etcdserverpb.Maintenance/Snapshot", "grpc.health.v1.Health/Watch",
            "etcdserverpb.Watch/Watch", "etcdserverpb.Lease/LeaseKeepAlive",
        })
        {
            foreach (var body in new[] { NoMessage, HalfMessage, UnknownFlag, WithoutEncoding })
            {
                Assert.Equal((method, body, StatusCode.Internal), (method, body, await CallAsync(http, $"{url}/{method}", body)));
            }

            foreach (var body in new[] { LargerThanTaken, LargerThanAnything })
            {
                Assert.Equal((method, body, StatusCode.ResourceExhausted), (method, body, await CallAsync(http, $"{url}/{method}", body)));
            }
        }

        Assert.DoesNotContain("failed in the server", cluster.Members[0].Process!.Output, StringComparison.Ordinal);
    }

    private static byte[] Frame(byte flag, uint announced, params byte[] message)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), announced);
        message.CopyTo(frame, 5);
        return frame;
    }

    private static async Task<StatusCode> CallAsync(HttpClient http, string url, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/grpc");
        using var answer = await http.PostAsync(new Uri(url), content, Stop);
        await answer.Content.ReadAsByteArrayAsync(Stop);
        var status = answer.Headers.Concat(answer.TrailingHeaders).First(header => header.Key == "grpc-status");
        return Enum.Parse<StatusCode>(status.Value.Single());
    }
}
