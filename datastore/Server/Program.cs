using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Metrics;
using Raft.Protocol.Etcd;
using Raft.Server;
using Raft.Server.Authentication;
using Raft.Server.Coordination;
using Raft.Server.Gateway;
using Raft.Server.Health;
using Raft.Server.Hosting;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Restore;
using Raft.Server.Services;
using Raft.Server.Watching;
using Raft.Storage;
using Raft.Storage.Ordered;
using Raft.Transport;

const int CannotStart = 65;
const int Failed = 70;

if (args is [SnapshotCommands.Name, .. var rest])
{
    return await SnapshotCommands.RunAsync(rest, Environment.GetEnvironmentVariable, Console.Out, Console.Error);
}

var (options, exitCode) = OptionsReader.Read(args, Environment.GetEnvironmentVariable, Console.Error);
if (options is null)
{
    return exitCode;
}

// All settings are the options'. Watching for the framework's own files would watch everything below the working directory.
var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
builder.Logging.ClearProviders();
Logging.Configure(builder.Logging, options);
using var startLoggers = LoggerFactory.Create(logging => Logging.Configure(logging, options));
var startLogger = startLoggers.CreateLogger("Raft.Server");

CertificateFiles? clientCertificates;
CertificateFiles? peerCertificates;
TokenSigning tokenSigning;
try
{
    clientCertificates = options.ClientTls.IsEnabled ? new CertificateFiles(options.ClientTls, startLogger) : null;
    peerCertificates = options.PeerTls.IsEnabled ? new CertificateFiles(options.PeerTls, startLogger) : null;
    tokenSigning = new TokenSigning(options.AuthToken.IsSigned ? new SignedTokens(options.AuthToken, TimeProvider.System) : null);
}
catch (Exception error) when (error is CertificateException or CannotStartException)
{
    startLogger.CannotStart(error.Message);
    return CannotStart;
}

builder.WebHost.ConfigureKestrel(kestrel => Endpoints.Configure(kestrel, options, clientCertificates, peerCertificates));
builder.Services.AddRoutingCore();
builder.Services.AddSingleton(options);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton(new PeerCertificates(peerCertificates));
builder.Services.AddSingleton(tokenSigning);
builder.Services.AddSingleton<PasswordHashing>();
builder.Services.AddSingleton<Callers>();
builder.Services.AddSingleton<MemberHost>();
builder.Services.AddSingleton<OpenCalls>();
builder.Services.AddSingleton<ReceiveBudget>();
builder.Services.AddSingleton<AnswerBudget>();
builder.Services.AddSingleton<Readiness>();
builder.Services.AddSingleton<ServerMetrics>();
builder.Services.AddSingleton<CallErrors>();
builder.Services.AddSingleton<RefusalInterceptor>();
builder.Services.AddSingleton<KvService>();
builder.Services.AddSingleton<Lease.LeaseBase, LeaseService>();
builder.Services.AddSingleton<CoordinationCalls>();
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
builder.Services.AddPeerService();
builder.Services.AddGrpc(grpc =>
{
    grpc.MaxReceiveMessageSize = options.ReceivedBytesMax;
    grpc.MaxSendMessageSize = null;
    grpc.IgnoreUnknownServices = true; // see UnknownCalls
})
    .AddServiceOptions<WatchService>(RefusalInterceptor.Use)
    .AddServiceOptions<LeaseService>(RefusalInterceptor.Use)
    .AddServiceOptions<LockService>(RefusalInterceptor.Use)
    .AddServiceOptions<ElectionService>(RefusalInterceptor.Use)
    .AddServiceOptions<ClusterService>(RefusalInterceptor.Use)
    .AddServiceOptions<MaintenanceService>(RefusalInterceptor.Use)
    .AddServiceOptions<BootstrapService>(RefusalInterceptor.Use)
    .AddServiceOptions<SessionsService>(RefusalInterceptor.Use)
    .AddServiceOptions<AuthService>(RefusalInterceptor.Use)
    .AddServiceOptions<GrpcHealthService>(RefusalInterceptor.Use)
    .AddServiceOptions<PeerService>(RefusalInterceptor.Use);
builder.Services.AddGrpcReflection();
builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
    .AddMeter(ServerMetrics.MeterName, StorageMetrics.MeterName, TransportMetrics.MeterName)
    .AddMeter("System.Runtime", "Microsoft.AspNetCore.Server.Kestrel")
    .AddView("kestrel.queued_requests", MetricStreamConfiguration.Drop) // two updates a request, of what is always 0
    .AddPrometheusExporter());

await using var app = builder.Build();
// Nothing is scoped to a request, and a scope for each would cost more than many a request itself.
var requestServices = new ServiceProvidersFeature { RequestServices = app.Services };
app.Use((context, next) =>
{
    context.Features.Set<IServiceProvidersFeature>(requestServices);
    return next(context);
});
app.Use(Endpoints.KeepPortsApart(options));
app.Use(UnknownCalls.RefuseAsync);
app.Use(app.Services.GetRequiredService<OpenCalls>().AdmitAsync);
app.Use(app.Services.GetRequiredService<ReceiveBudget>().AdmitAsync);
app.MapGrpcService<KvService>();
app.MapGrpcService<WatchService>();
app.MapGrpcService<LeaseService>();
app.MapGrpcService<LockService>();
app.MapGrpcService<ElectionService>();
app.MapGrpcService<ClusterService>();
app.MapGrpcService<MaintenanceService>();
app.MapGrpcService<BootstrapService>();
app.MapGrpcService<SessionsService>();
app.MapGrpcService<AuthService>();
app.MapGrpcService<GrpcHealthService>();
app.MapPeerService();
app.MapGrpcReflectionService();
app.MapGateway();
app.MapHealth();
app.MapPrometheusScrapingEndpoint();

var host = app.Services.GetRequiredService<MemberHost>();
_ = app.Services.GetRequiredService<ServerMetrics>();
var endpoint = app.Services.GetRequiredService<PeerEndpoint>();
app.Lifetime.ApplicationStopping.Register(() =>
{
    // Before the ports close: leadership goes first, so that clients find the next leader at once.
    if (host.Failure is null && host.Running is { } member)
    {
        member.LeaveAsync(options.ShutdownTimeout / 2).GetAwaiter().GetResult();
    }

    endpoint.Close();
});

try
{
    await host.StartAsync(CancellationToken.None);
    await app.RunAsync();
}
catch (Exception error) when (error is CannotStartException or DataDirectoryException or StoreException or Raft.Consensus.InvariantViolationException
    or IOException)
{
    startLogger.CannotStart(error.Message);
    return CannotStart;
}

return host.Failure is null ? 0 : Failed;
