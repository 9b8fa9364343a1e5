using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Raft.Transport;

namespace Raft.Benchmarks.Servers;

/// <summary>
/// The ceiling: our server's stack and settings, but every request is answered at once and nothing is stored. No store that calls
/// gRPC's services as they are meant can be faster under this load; one that writes to many watches at once in a way of its own can.
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
        app.MapGrpcService<KeyValueCeiling>();
        app.MapGrpcService<LeaseCeiling>();
        app.MapGrpcService<WatchCeiling>();
        await app.RunAsync();
        return 0;
    }
}
