using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Raft.Server.Options;
using Raft.Transport;

namespace Raft.Server.Hosting;

/// <summary>Makes Kestrel listen on the URLs of clients, members and probes.</summary>
internal static class Endpoints
{
    private static readonly string[] HealthPaths = ["/metrics", "/health", "/livez", "/readyz", "/version"];

    private static readonly PathString PeerService = "/raft.v1.Peer";

    public static void Configure(KestrelServerOptions kestrel, ServerOptions options, CertificateFiles? client, CertificateFiles? peer)
    {
        // See HttpPreface: such requests say http on what Kestrel takes for TLS.
        kestrel.AllowAlternateSchemes = true;
        kestrel.AddServerHeader = false;
        kestrel.Limits.UsePeerLimits();

        // A client may leave one of its streams unread for a while; ending its connection would end all its others too. What waits for
        // it is bounded (see WatchLimits), and whether it is there at all, pings tell.
        kestrel.Limits.MinResponseDataRate = null;

        // A call whose small answer nobody reads has ended, and is no longer counted among the open ones, but here.
        kestrel.Limits.Http2.MaxStreamsPerConnection = Math.Min(options.MaxConcurrentStreams, OpenCalls.MemoryMax);
        foreach (var url in options.ListenClientUrls)
        {
            Listen(kestrel, url, client, HttpProtocols.Http1AndHttp2);
        }

        foreach (var url in options.ListenPeerUrls)
        {
            Listen(kestrel, url, peer, HttpProtocols.Http2);
        }

        foreach (var url in options.ListenMetricsUrls)
        {
            // Probes have no certificates: the port shows health and metrics, and nothing of the data.
            Listen(kestrel, url, url.Scheme == "https" ? client : null, HttpProtocols.Http1);
        }
    }

    /// <summary>
    /// Members are served on the peer ports alone, and clients on the others alone; a port for metrics, which asks for no certificate,
    /// shows how the member is and nothing else. What counts is the port that a request came in on: the host that a client names
    /// may be any of the cluster's.
    /// </summary>
    public static Func<HttpContext, RequestDelegate, Task> KeepPortsApart(ServerOptions options)
    {
        var peerPorts = options.ListenPeerUrls.Select(url => url.Port).ToHashSet();
        var metricsPorts = options.ListenMetricsUrls.Select(url => url.Port).Except(options.ListenClientUrls.Select(url => url.Port)).ToHashSet();
        return (context, next) =>
        {
            var port = context.Connection.LocalPort;
            if (metricsPorts.Contains(port) ? IsOnHealth(context) : IsForPeers(context) == peerPorts.Contains(port))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        };
    }

    /// <summary>Does a member ask?</summary>
    public static bool IsForPeers(HttpContext context) => context.Request.Path.StartsWithSegments(PeerService, StringComparison.Ordinal);

    private static bool IsOnHealth(HttpContext context) => Array.Exists(HealthPaths, path => context.Request.Path.StartsWithSegments(path, StringComparison.Ordinal));

    private static void Listen(KestrelServerOptions kestrel, Uri url, CertificateFiles? certificates, HttpProtocols protocols)
    {
        void Configure(ListenOptions listen)
        {
            listen.Protocols = protocols;
            if (url.Scheme == "https")
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => new(certificates!.ForServer(onlyHttp2: protocols == HttpProtocols.Http2)),
                });
            }
            else if (protocols == HttpProtocols.Http1AndHttp2)
            {
                listen.Use(next => connection => HttpPreface.DetectAsync(connection, next));
            }

            if (protocols == HttpProtocols.Http2)
            {
                listen.UsePeerStreams(isSecured: url.Scheme == "https");
            }
        }

        if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address))
        {
            kestrel.Listen(address, url.Port, Configure);
        }
        else if (url.Host == "localhost")
        {
            kestrel.ListenLocalhost(url.Port, Configure);
        }
        else
        {
            foreach (var found in Dns.GetHostAddresses(url.Host))
            {
                kestrel.Listen(found, url.Port, Configure);
            }
        }
    }
}
