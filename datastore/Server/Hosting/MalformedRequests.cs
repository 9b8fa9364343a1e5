using Google.Protobuf;
using Grpc.Core;

namespace Raft.Server.Hosting;

/// <summary>
/// Tells clients what is wrong with bytes that are no message, with the codes that gRPC's other libraries have for it. The library
/// for ASP.NET Core takes them for failures of the method.
/// </summary>
internal static class MalformedRequests
{
    /// <summary>Bytes that are no message of the method.</summary>
    public static readonly Status NoMessage = new(StatusCode.Internal, "raftserver: the request is no message of this method");

    /// <summary>A prefix that begins with neither 0 nor 1.</summary>
    public static readonly Status NoFlag = new(StatusCode.Internal, "raftserver: the request begins with an unknown flag");

    /// <summary>More bytes are announced than are ever taken.</summary>
    public static readonly Status TooLarge = new(StatusCode.ResourceExhausted, "raftserver: the request is larger than the largest that is taken");

    /// <summary>
    /// The library's own words for an exception that is no status. Our methods throw none (see CallErrors), so it is one request that
    /// could not be read.
    /// </summary>
    private const string NotRead = "Exception was thrown by handler.";

    private const string UnknownCode = "2";

    /// <summary>Corrects the status of a call that has ended without an answer since its one request could not be read.</summary>
    public static void Correct(HttpContext context)
    {
        if (!context.Response.HasStarted && context.Response.Headers is { GrpcStatus: [UnknownCode], GrpcMessage: [NotRead] })
        {
            EarlyRefusal.Answer(context, NoMessage.StatusCode, NoMessage.Detail);
        }
    }

    /// <summary>The status for what reading a stream of requests failed with; null: that is something else.</summary>
    public static Status? StatusOf(Exception error) => error switch
    {
        InvalidProtocolBufferException => NoMessage,
        InvalidDataException => NoFlag,

        // More than two GiB. The library has no type of its own for it, and a connection that breaks gives this one too.
        IOException when error.Message.StartsWith("Message too large", StringComparison.Ordinal) => TooLarge,
        _ => null,
    };
}

/// <summary>The requests of a stream; what cannot be read of them is a status.</summary>
internal sealed class ReadableRequests<T>(IAsyncStreamReader<T> requests) : IAsyncStreamReader<T>
{
    /// <inheritdoc/>
    public T Current => requests.Current;

    /// <inheritdoc/>
    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        var next = requests.MoveNext(cancellationToken);
        return next.IsCompletedSuccessfully ? next : AwaitAsync(next);
    }

    private static async Task<bool> AwaitAsync(Task<bool> next)
    {
        try
        {
            return await next;
        }
        catch (Exception error) when (MalformedRequests.StatusOf(error) is { } status)
        {
            throw new RpcException(status);
        }
    }
}
