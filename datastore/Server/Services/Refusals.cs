using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Raft.KeyValue;
using Raft.Node;
using Raft.Server.Hosting;
using Raft.Server.Membership;

namespace Raft.Server.Services;

/// <summary>Turns refusals into gRPC statuses: code by kind, text as it is, since clients match both.</summary>
internal static class Refusals
{
    public static RpcException ToStatus(StoreError error) => new(new Status((StatusCode)error.Kind, error.Message));

    public static RpcException ToStatus(NodeError error) => new(new Status(
        error.Kind switch
        {
            NodeErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
            NodeErrorKind.NotFound => StatusCode.NotFound,
            NodeErrorKind.ResourceExhausted => StatusCode.ResourceExhausted,
            _ => StatusCode.Unavailable,
        },
        error.Message));

    public static RpcException NotStarted() => new(new Status(
        StatusCode.Unavailable, "this member has not been started in a cluster: it waits for raft.v1.Bootstrap/Initialize"));

    /// <summary>Throws if there is something to refuse.</summary>
    public static void ThrowIfRefused(StoreError? error)
    {
        if (error is not null)
        {
            throw ToStatus(error);
        }
    }

    /// <summary>The status of a refusal; null: it is none.</summary>
    public static RpcException? AsStatus(Exception error) => error switch
    {
        RequestRefusedException refusal => ToStatus(refusal.Error),
        CommandRefusedException refusal => ToStatus(refusal.Error),
        _ => null,
    };

    /// <summary>Runs a request and gives its refusals as statuses.</summary>
    public static async Task<T> AsStatusAsync<T>(Func<Task<T>> request)
    {
        try
        {
            return await request();
        }
        catch (Exception error) when (AsStatus(error) is { } status)
        {
            throw status;
        }
    }
}

/// <summary>What a call failed with, as a status; and what no client should ever see, told in the log.</summary>
internal sealed class CallErrors(ILogger<CallErrors> logger)
{
    /// <param name="error">Anything but a status.</param>
    /// <param name="context">The call.</param>
    public RpcException AsStatus(Exception error, ServerCallContext context)
    {
        if (Refusals.AsStatus(error) is { } refusal)
        {
            return refusal;
        }

        if (context.CancellationToken.IsCancellationRequested)
        {
            return new RpcException(new Status(StatusCode.Cancelled, "the client gave the call up"));
        }

        logger.CallFailed(context.Method, error);
        return new RpcException(new Status(StatusCode.Internal, $"{context.Method} failed in the server; its log says why"));
    }

    /// <summary>Gives the answer of a call, and its errors as statuses.</summary>
    public Task<T> AsStatusAsync<T>(Task<T> call, ServerCallContext context)
    {
        return call.IsCompletedSuccessfully ? call : Awaited();

        async Task<T> Awaited()
        {
            try
            {
                return await call;
            }
            catch (Exception error) when (error is not RpcException)
            {
                throw AsStatus(error, context);
            }
        }
    }
}

/// <summary>What every call of a service is asked first, and its errors, in one place.</summary>
internal sealed class RefusalInterceptor(MemberHost host, CallErrors errors) : Interceptor
{
    /// <summary>For a service that does not see to its errors itself.</summary>
    public static void Use(GrpcServiceOptions service) => service.Interceptors.Add<RefusalInterceptor>();

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Check(context);
        return errors.AsStatusAsync(continuation(request, context), context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, () => continuation(request, responseStream, context));

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, () => continuation(new ReadableRequests<TRequest>(requestStream), responseStream, context));

    private void Check(ServerCallContext context)
    {
        SessionMetadata.Check(context);
        host.Running?.HonourHasLeader(context);
    }

    private async Task RunAsync(ServerCallContext context, Func<Task> call)
    {
        Check(context);
        try
        {
            await call();
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw errors.AsStatus(error, context);
        }
    }
}
