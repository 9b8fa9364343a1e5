using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Raft.Transport;

/// <summary>Puts the peer service into an ASP.NET Core application.</summary>
public static class PeerServing
{
    /// <summary>Registers what the peer service needs; <see cref="PeerEndpoint"/> is how it learns of the member.</summary>
    public static IServiceCollection AddPeerService(this IServiceCollection services)
    {
        services.TryAddSingleton<PeerEndpoint>();
        services.AddSingleton<PeerStreams>();
        services.AddSingleton<PeerListenerFactory>();
        services.AddSingleton<IConnectionListenerFactory>(static services => services.GetRequiredService<PeerListenerFactory>());
        services.AddGrpc().AddServiceOptions<PeerService>(options =>
        {
            options.MaxReceiveMessageSize = 256 * 1024 * 1024; // as PeerOptions.ReceivedFrameBytesMax
            options.MaxSendMessageSize = null;
        });
        return services;
    }

    /// <summary>Serves the peer service. Give it the peer port alone, with RequireHost, where clients share the process.</summary>
    public static GrpcServiceEndpointConventionBuilder MapPeerService(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<PeerService>();

    /// <summary>Serves streams of other members on a port, besides what it serves already. To be called after UseHttps.</summary>
    /// <param name="listen">The port.</param>
    /// <param name="isSecured">It has TLS.</param>
    public static ListenOptions UsePeerStreams(this ListenOptions listen, bool isSecured)
    {
        if (!isSecured)
        {
            listen.ApplicationServices.GetRequiredService<PeerListenerFactory>().Add(listen.EndPoint);
        }

        var streams = listen.ApplicationServices.GetRequiredService<PeerStreams>();
        listen.Use(next => connection => streams.ServeAsync(connection, next));
        return listen;
    }

    /// <summary>Limits that suit streams which stay open and carry megabytes.</summary>
    public static void UsePeerLimits(this KestrelServerLimits limits)
    {
        limits.MinRequestBodyDataRate = null;
        limits.MaxRequestBodySize = null;
        limits.Http2.InitialConnectionWindowSize = 8 * 1024 * 1024;
        limits.Http2.InitialStreamWindowSize = 4 * 1024 * 1024;
        limits.Http2.MaxFrameSize = 256 * 1024;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
    }
}
