using System.Globalization;
using System.Net;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Raft.Node;
using Raft.Server.Hosting;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Gateway;

/// <summary>
/// etcd's JSON gateway: every method of the API as a POST of JSON, for those who have no gRPC. Each request is a call of the method
/// (see <see cref="LocalCall"/>); a stream answers with one line for each message.
/// </summary>
internal static class GatewayEndpoints
{
    /// <summary>Base64 and names make JSON larger than what it stands for.</summary>
    private const int JsonOverhead = 2;

    /// <summary>What a client has to read a refusal before its connection is closed.</summary>
    private static readonly TimeSpan TimeToRead = TimeSpan.FromSeconds(1);

    public static void MapGateway(this IEndpointRouteBuilder endpoints)
    {
        foreach (var (path, method) in GatewayRoutes.All)
        {
            var grpcPath = $"/{method.Service.FullName}/{method.Name}";
            var target = new Lazy<Endpoint?>(() => Find(endpoints, grpcPath));
            endpoints.MapPost(path, (HttpContext context, ServerOptions options, OpenCalls calls, ReceiveBudget budget, AnswerBudget answers) =>
                AdmitAsync(context, calls, method, () => ServeAsync(context, options, budget, answers, method, target.Value, grpcPath)));
        }
    }

    private static RouteEndpoint? Find(IEndpointRouteBuilder endpoints, string grpcPath) => endpoints.DataSources
        .SelectMany(static source => source.Endpoints)
        .OfType<RouteEndpoint>()
        .FirstOrDefault(endpoint => endpoint.RoutePattern.RawText == grpcPath);

    private static async Task AdmitAsync(HttpContext context, OpenCalls calls, MethodDescriptor method, Func<Task> serve)
    {
        context.Response.ContentType = "application/json";
        if (!calls.TryEnter())
        {
            await FailAsync(context, method, Refusals.ToStatus(NodeError.TooManyRequests).Status);
            return;
        }

        try
        {
            await serve();
        }
        finally
        {
            calls.Leave();
        }
    }

    private static async Task ServeAsync(
        HttpContext context, ServerOptions options, ReceiveBudget budget, AnswerBudget answers, MethodDescriptor method, Endpoint? endpoint,
        string grpcPath)
    {
        using var room = budget.RoomFor(context);
        using var body = budget.Arriving(context, room, method.IsClientStreaming);
        answers.CountAsJson(context);
        try
        {
            if (endpoint is null)
            {
                throw new RpcException(new Status(StatusCode.Unimplemented, $"{grpcPath} is not served"));
            }

            await using var call = new LocalCall(context, endpoint, grpcPath);
            await ServeAsync(context, options, answers, method, body, call);
        }
        catch (RpcException error)
        {
            if (body.Refusal.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable
                && HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                await FailAndCloseAsync(context, method, error.Status);
            }
            else
            {
                await FailAsync(context, method, error.Status);
            }
        }
        catch (Exception error) when (error is IOException || (error is OperationCanceledException && context.RequestAborted.IsCancellationRequested))
        {
            // The client is gone.
        }
    }

    /// <summary>Nothing is sent any more when it ends, since neither the call nor the body are there for much longer.</summary>
    private static async Task ServeAsync(
        HttpContext context, ServerOptions options, AnswerBudget answers, MethodDescriptor method, ArrivingBody body, LocalCall call)
    {
        var sending = SendAsync(options, method, body, call);
        try
        {
            if (!method.IsClientStreaming)
            {
                await sending;
            }

            await (method.IsServerStreaming ? AnswerStreamAsync(context, method, call, sending) : AnswerAsync(context, answers, method, call));
        }
        finally
        {
            body.GiveUp();
            call.Abort();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sends what comes. If that fails, the call is aborted: who waits for its answers finds the reason here.</summary>
    private static async Task SendAsync(ServerOptions options, MethodDescriptor method, ArrivingBody body, LocalCall call)
    {
        try
        {
            await SendAllAsync(options, method, body, call);
        }
        catch
        {
            call.Abort();
            throw;
        }
    }

    private static async Task SendAllAsync(ServerOptions options, MethodDescriptor method, ArrivingBody body, LocalCall call)
    {
        var sent = 0;
        await foreach (var json in GatewayJson.ReadValuesAsync(body, options.MaxRequestBytes * JsonOverhead))
        {
            await call.SendAsync(GatewayJson.Parse(json, method.InputType));
            sent++;
            if (!method.IsClientStreaming)
            {
                break; // as etcd's, it does not look at what follows
            }
        }

        if (sent == 0 && !method.IsClientStreaming)
        {
            await call.SendAsync(method.InputType.Parser.ParseFrom(ByteString.Empty));
        }

        call.EndSending();
    }

    private static async Task AnswerAsync(HttpContext context, AnswerBudget answers, MethodDescriptor method, LocalCall call)
    {
        var answer = await call.NextAsync(method.OutputType.Parser)
            ?? throw new RpcException(new Status(StatusCode.Internal, "the method gave no answer"));
        await answers.TakeIfNoneAsync(context, answer.CalculateSize(), GatewayRoutes.MayWrite(method)); // most were counted when they were read
        await context.Response.WriteAsync(GatewayJson.Format(answer));
    }

    private static async Task AnswerStreamAsync(HttpContext context, MethodDescriptor method, LocalCall call, Task sending)
    {
        try
        {
            while (await call.NextAsync(method.OutputType.Parser) is { } answer)
            {
                await context.Response.WriteAsync($"{{\"result\":{GatewayJson.Format(answer)}}}\n");
                await context.Response.Body.FlushAsync();
            }
        }
        catch when (call.RequestAborted.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            await sending;
            throw;
        }
    }

    /// <summary>Kestrel would wait for the rest of the body, which may never come. The client has a moment to read why.</summary>
    private static async Task FailAndCloseAsync(HttpContext context, MethodDescriptor method, Status status)
    {
        context.Response.Headers.Connection = "close";
        await FailAsync(context, method, status);
        await context.Response.CompleteAsync();
        await Task.Delay(TimeToRead, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }

    /// <summary>In the forms of grpc-gateway's first version, which etcd has.</summary>
    private static Task FailAsync(HttpContext context, MethodDescriptor method, Status status)
    {
        var httpStatus = HttpStatusOf(status.StatusCode);
        if (!method.IsServerStreaming)
        {
            context.Response.StatusCode = (int)httpStatus;
            return context.Response.WriteAsync(JsonSerializer.Serialize(
                new GatewayRefusal(status.Detail, status.Detail, (int)status.StatusCode), GatewayRefusalJson.Default.GatewayRefusal));
        }

        if (!context.Response.HasStarted)
        {
            context.Response.StatusCode = (int)httpStatus;
        }

        var reason = new StreamRefusalReason(
            (int)status.StatusCode, (int)httpStatus, status.Detail, string.Create(CultureInfo.InvariantCulture, $"{httpStatus}"));
        return context.Response.WriteAsync(
            JsonSerializer.Serialize(new StreamRefusal(reason), GatewayRefusalJson.Default.StreamRefusal) + "\n");
    }

    private static HttpStatusCode HttpStatusOf(StatusCode code) => code switch
    {
        StatusCode.Cancelled => HttpStatusCode.RequestTimeout,
        StatusCode.InvalidArgument or StatusCode.OutOfRange or StatusCode.FailedPrecondition => HttpStatusCode.BadRequest,
        StatusCode.DeadlineExceeded => HttpStatusCode.GatewayTimeout,
        StatusCode.NotFound => HttpStatusCode.NotFound,
        StatusCode.AlreadyExists or StatusCode.Aborted => HttpStatusCode.Conflict,
        StatusCode.PermissionDenied => HttpStatusCode.Forbidden,
        StatusCode.Unauthenticated => HttpStatusCode.Unauthorized,
        StatusCode.ResourceExhausted => HttpStatusCode.TooManyRequests,
        StatusCode.Unimplemented => HttpStatusCode.NotImplemented,
        StatusCode.Unavailable => HttpStatusCode.ServiceUnavailable,
        _ => HttpStatusCode.InternalServerError,
    };
}
