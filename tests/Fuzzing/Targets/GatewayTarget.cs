using System.IO.Pipelines;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Raft.Protocol.Etcd;
using Raft.Server.Gateway;
using Raft.Server.Hosting;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// The body of a request to the JSON gateway, which comes in two parts. The first byte says of which kind of message; each that is read
/// is written, read again, and sent to a method that gives back what it got.
/// </summary>
internal sealed class GatewayTarget : IFuzzTarget
{
    private const int BytesMax = 32 * 1024;

    private static readonly MessageDescriptor[] Types =
    [
        RangeRequest.Descriptor, PutRequest.Descriptor, TxnRequest.Descriptor, WatchRequest.Descriptor, LeaseGrantRequest.Descriptor,
        AuthRoleGrantPermissionRequest.Descriptor, MemberAddRequest.Descriptor, DowngradeRequest.Descriptor,
    ];

    private static readonly Endpoint Echo = new(EchoAsync, EndpointMetadataCollection.Empty, "echo");

    public string Name => "gateway";

    public long AllocationBytesMax => 64 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        yield return ("range", [0, .. """{"key":"a2V5","range_end":"a2V6","limit":"3","sort_order":"DESCEND","keys_only":true}"""u8]);
        yield return ("put", [1, .. """{"key":"a2V5","value":"dmFsdWU=","lease":9007199254740993,"prev_kv":true}"""u8]);
        yield return ("txn", [2, .. """{"compare":[{"key":"a2V5","target":"CREATE","create_revision":"0"}],"success":[{"request_put":{"key":"a2V5","value":"MQ=="}}],"failure":[{"requestTxn":{"success":[{"request_delete_range":{"key":"a2V5"}}]}}]}"""u8]);
        yield return ("watch", [3, .. """{"create_request":{"key":"a2V5","start_revision":7,"filters":["NOPUT",1]}} {"progress_request":{}}"""u8]);
        yield return ("lease", [4, .. """{"TTL":60,"ID":-9223372036854775808}"""u8]);
        yield return ("permission", [5, .. """{"name":"role","perm":{"permType":2,"key":"a2V5"}}"""u8]);
        yield return ("member", [6, .. """{"peerURLs":["http://one:2380","\u0068ttp://two:2380"],"isLearner":false}"""u8]);
        yield return ("downgrade", [7, .. """{"action":"ENABLE","version":"3.4.0"}"""u8]);
        yield return ("empty", [0]);
        yield return ("half-a-character", [5, .. """{"name":"\ud800","\udc00":1}"""u8]);
        yield return ("deep", [2, .. System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("""{"success":[{"request_txn":""", 20)) + "{}" + string.Concat(Enumerable.Repeat("}]}", 20)))]);
    }

    public string Run(byte[] input)
    {
        var type = Types[input.Length > 0 ? input[0] % Types.Length : 0];
        try
        {
            return ServeAsync(input[Math.Min(1, input.Length)..], type).GetAwaiter().GetResult();
        }
        catch (RpcException refusal) when (refusal.StatusCode is StatusCode.InvalidArgument or StatusCode.ResourceExhausted)
        {
            return $"refused ({refusal.StatusCode})";
        }
    }

    private static async Task<string> ServeAsync(byte[] body, MessageDescriptor type)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var half = body.Length / 2;
        await pipe.Writer.WriteAsync(body.AsMemory(0, half));
        using var room = new ByteBudget(BytesMax).RoomFor(null);
        using var arriving = new ArrivingBody(pipe.Reader, room, TimeProvider.System);
        await using var values = GatewayJson.ReadValuesAsync(arriving, BytesMax).GetAsyncEnumerator();
        var next = values.MoveNextAsync();
        await pipe.Writer.WriteAsync(body.AsMemory(half));
        await pipe.Writer.CompleteAsync();
        var taken = 0;
        for (; await next; next = values.MoveNextAsync())
        {
            await ServeAsync(GatewayJson.Parse(values.Current, type), type);
            taken++;
        }

        return taken > 0 ? "taken" : "taken (nothing)";
    }

    private static async Task ServeAsync(IMessage message, MessageDescriptor type)
    {
        if (!GatewayJson.Parse(GatewayJson.Format(message), type).Equals(message))
            throw new FuzzFindingException("a message is read otherwise than it was written");
        await using var call = new LocalCall(new DefaultHttpContext(), Echo, "/echo");
        await call.SendAsync(message);
        call.EndSending();
        if (await call.NextAsync(type.Parser) is not { } got || !got.Equals(message) || await call.NextAsync(type.Parser) is not null)
            throw new FuzzFindingException("a message did not come to its method as it was sent");
    }

    private static async Task EchoAsync(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(context.Response.Body);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
