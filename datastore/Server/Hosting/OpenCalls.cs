using Grpc.AspNetCore.Server;
using Grpc.Core;
using Raft.Node;
using Raft.Server.Options;

namespace Raft.Server.Hosting;

/// <summary>
/// Bounds how many calls of clients are open at once. Each takes memory for as long as it is open, also one that does nothing: a
/// client must not be able to open so many that there is none left for the cluster.
/// </summary>
internal sealed class OpenCalls(ServerOptions options)
{
    /// <summary>A stream that is open and idle was measured to take 12 KiB.</summary>
    private const int CallBytes = 16 * 1024;

    private readonly int _max = options.MaxOpenCalls > 0 ? options.MaxOpenCalls : MemoryMax;

    private int _open;

    /// <summary>As many as there is memory for.</summary>
    public static int MemoryMax => MemoryShare.CountOf(parts: 4, CallBytes);

    /// <summary>Serves a call of gRPC if not too many are open; members among themselves are not counted. The gateway asks by itself.</summary>
    public Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is null || Endpoints.IsForPeers(context))
        {
            return next(context);
        }

        if (TryEnter())
        {
            return ServeAsync(context, next);
        }

        Refuse(context);
        return Task.CompletedTask;
    }

    /// <summary>False: too many are open. Whoever got in leaves when the call has ended.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= _max)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>The call has ended.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);

    /// <summary>Answers with etcd's "too many requests".</summary>
    public static void Refuse(HttpContext context) =>
        EarlyRefusal.Answer(context, StatusCode.ResourceExhausted, NodeError.TooManyRequests.Message);

    /// <summary>What is answered at once, as most reads are, is not waited for.</summary>
    private Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        Task serving;
        try
        {
            serving = next(context);
        }
        catch
        {
            Leave();
            throw;
        }

        if (!serving.IsCompletedSuccessfully || AnswerBudget.IsUnread(context))
        {
            return LeaveAfterAsync(serving, context);
        }

        MalformedRequests.Correct(context);
        Leave();
        return serving;
    }

    private async Task LeaveAfterAsync(Task serving, HttpContext context)
    {
        try
        {
            await serving;
            MalformedRequests.Correct(context);
            if (AnswerBudget.IsUnread(context))
            {
                await context.Response.BodyWriter.FlushAsync();
            }
        }
        finally
        {
            Leave();
        }
    }
}
