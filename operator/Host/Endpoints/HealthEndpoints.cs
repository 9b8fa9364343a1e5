using KubeOps.Operator;

namespace Raft.Operator.Host.Endpoints;

/// <summary>What the kubelet asks: is it alive, is it ready.</summary>
public static class HealthEndpoints
{
    /// <summary>Maps /livez and /readyz.</summary>
    public static WebApplication MapHealth(this WebApplication application, OperatorService operatorService)
    {
        application.MapGet("/livez", () => operatorService.ExecuteTask is { IsCompleted: true }
            ? Results.Text("the operator has ended", statusCode: StatusCodes.Status503ServiceUnavailable)
            : Results.Text("ok"));
        // A standby is ready too: it sees everything and can take over at any moment.
        application.MapGet("/readyz", () => operatorService.Listed
            ? Results.Text("ok")
            : Results.Text("not everything has been listed yet", statusCode: StatusCodes.Status503ServiceUnavailable));
        return application;
    }
}
