using System.Text.Json.Serialization;
using Grpc.Core;
using Grpc.Health.V1;
using Raft.Node;
using Raft.Server.Membership;
using Raft.Server.Services;

namespace Raft.Server.Health;

/// <summary>/health, /livez, /readyz and /version over HTTP, in etcd's words.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        // etcd's parameters: an alarm to pass over, and whether it is enough that the member answers by itself, as a liveness probe asks.
        endpoints.MapGet("/health", (Readiness readiness, string[] exclude, bool serializable = false) =>
        {
            var reason = readiness.WhyNotHealthy(exclude, serializable);
            return Results.Json(
                new HealthAnswer(reason is null ? "true" : "false", reason ?? ""), HealthJson.Default.HealthAnswer,
                statusCode: StatusCodeFor(reason));
        });
        var checks = endpoints.ServiceProvider.GetRequiredService<Readiness>();
        endpoints.MapChecks("/livez", checks.OfLiveness);
        endpoints.MapChecks("/readyz", checks.OfReadiness);
        endpoints.MapCheck("/readyz", checks.FollowsLeader); // not etcd's, so it is not among those
        endpoints.MapGet("/version", (MemberHost host) => Results.Json(
            new VersionAnswer(ProductVersion.EtcdApi, ProductVersion.EtcdCluster, ProductVersion.Own, DowngradeOf(host.Running)),
            HealthJson.Default.VersionAnswer));
    }

    /// <summary>All checks on one page, and each on one of its own.</summary>
    private static void MapChecks(this IEndpointRouteBuilder endpoints, string path, IReadOnlyList<HealthCheck> checks)
    {
        endpoints.MapGet(path, (HttpContext context, string[] exclude) => AnswerAsync(context, checks, exclude));
        foreach (var check in checks)
        {
            endpoints.MapCheck(path, check);
        }
    }

    private static void MapCheck(this IEndpointRouteBuilder endpoints, string path, HealthCheck check) =>
        endpoints.MapGet($"{path}/{check.Name}", (HttpContext context) => AnswerAsync(context, [check], excluded: []));

    private static async Task AnswerAsync(HttpContext context, IReadOnlyList<HealthCheck> checks, string[] excluded)
    {
        var (isWell, text) = await HealthCheck.MakeAsync(checks, excluded, context.Request.Query.ContainsKey("verbose"), context.RequestAborted);
        context.Response.StatusCode = isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(text);
    }

    private static string? DowngradeOf(RunningMember? member)
    {
        using var view = member?.Node.Store.OpenView();
        return view?.Downgrade is { Enabled: true } downgrade ? downgrade.TargetVersion : null;
    }

    private static int StatusCodeFor(string? problem) =>
        problem is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
}

/// <summary>grpc.health.v1.Health for the service "".</summary>
internal sealed class GrpcHealthService(Readiness readiness, IHostApplicationLifetime lifetime) : Grpc.Health.V1.Health.HealthBase
{
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        request.Service.Length > 0
            ? throw new RpcException(new Status(StatusCode.NotFound, "unknown service"))
            : Task.FromResult(Now());

    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        HealthCheckResponse? last = null;
        try
        {
            do
            {
                var now = Now();
                if (!now.Equals(last))
                {
                    await responseStream.WriteAsync(now, ended.Token);
                    last = now;
                }
            }
            while (await timer.WaitForNextTickAsync(ended.Token));
        }
        catch (OperationCanceledException)
        {
            // Otherwise the client has seen enough.
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                throw Refusals.ToStatus(NodeError.Stopped);
            }
        }
    }

    private HealthCheckResponse Now() => new()
    {
        Status = readiness.WhyNotReady() is null
            ? HealthCheckResponse.Types.ServingStatus.Serving
            : HealthCheckResponse.Types.ServingStatus.NotServing,
    };
}

/// <summary>The answer to /health; true and false are texts, as etcd has them.</summary>
internal sealed record HealthAnswer(string Health, string Reason);

/// <summary>The answer to /version; the target of a downgrade only while one is enabled.</summary>
internal sealed record VersionAnswer(string Etcdserver, string Etcdcluster, string Raft, string? Downgrade);

/// <summary>How these answers are written, known when the program is compiled.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(VersionAnswer))]
internal sealed partial class HealthJson : JsonSerializerContext;
