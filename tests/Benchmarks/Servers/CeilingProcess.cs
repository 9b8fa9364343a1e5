using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Raft.Benchmarks.Loads;
using Raft.Protocol.Etcd;
using Raft.Transport;
using Pair = Raft.Protocol.Etcd.KeyValue;

namespace Raft.Benchmarks.Servers;

/// <summary>
/// The ceiling: our server's stack and settings, but every request is answered at once and nothing is stored. No store on this
/// stack can be faster under this load.
/// </summary>
internal static class CeilingProcess
{
    public const string Command = "ceiling";

    public static async Task<int> ServeAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // As in our server's Endpoints.
            kestrel.AddServerHeader = false;
            kestrel.Limits.UsePeerLimits();
            kestrel.Limits.Http2.MaxStreamsPerConnection = 100_000;
            kestrel.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddGrpc();
        await using var app = builder.Build();
        app.MapGrpcService<CeilingService>();
        await app.RunAsync();
        return 0;
    }

    private sealed class CeilingService : KV.KVBase
    {
        private static readonly ResponseHeader Header = new()
        {
            ClusterId = ulong.MaxValue / 3,
            MemberId = ulong.MaxValue / 5,
            Revision = 1_000_000,
            RaftTerm = 2,
        };

        private static readonly RangeResponse OneKey = Keys(1);
        private static readonly RangeResponse ManyKeys = Keys(LoadList.KeysOfRange);

        public override Task<RangeResponse> Range(RangeRequest request, ServerCallContext context) =>
            Task.FromResult(request.RangeEnd.IsEmpty ? OneKey : ManyKeys);

        public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
            Task.FromResult(new PutResponse { Header = Header });

        public override Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
        {
            var response = new TxnResponse { Header = Header, Succeeded = true };
            foreach (var _ in request.Success)
            {
                response.Responses.Add(new ResponseOp { ResponsePut = new PutResponse { Header = Header } });
            }

            return Task.FromResult(response);
        }

        private static RangeResponse Keys(int count)
        {
            var response = new RangeResponse { Header = Header, Count = count };
            for (var number = 0; number < count; number++)
            {
                response.Kvs.Add(new Pair
                {
                    Key = ByteString.CopyFromUtf8(KeySpace.Name(number)),
                    Value = ByteString.CopyFrom(KeySpace.NewValue(number)),
                    CreateRevision = 1_000,
                    ModRevision = 1_000_000,
                    Version = 10,
                });
            }

            return response;
        }
    }
}
