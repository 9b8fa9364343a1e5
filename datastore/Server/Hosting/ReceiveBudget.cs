using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Raft.Server.Options;

namespace Raft.Server.Hosting;

/// <summary>
/// Bounds the memory that large requests take up together, from before they are read until they are answered. A request is read
/// whole before anything can look at it: without this, a flood of large ones would run the member out of memory before the
/// node's own admission sees the first of them. What does not fit is refused unread, with etcd's "too many requests".
/// </summary>
internal sealed class ReceiveBudget(ServerOptions options)
{
    /// <summary>Smaller ones are bounded well enough by the flow control of their connection.</summary>
    private const int LargeBytes = 4 * 1024;

    /// <summary>The flag and the length that every message of gRPC begins with.</summary>
    private const int PrefixBytes = 5;

    /// <summary>An eighth of the memory that there is, since a request is held in several forms (read, parsed, logged, applied).</summary>
    private readonly long _bytesMax = Math.Min(128L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8);

    private long _bytes;

    /// <summary>False: no room now. One request always fits, however large. Whoever got room gives it back.</summary>
    public bool TryTake(long bytes)
    {
        var taken = Interlocked.Add(ref _bytes, bytes);
        if (taken <= _bytesMax || taken == bytes)
        {
            return true;
        }

        GiveBack(bytes);
        return false;
    }

    /// <summary>The request is answered.</summary>
    public void GiveBack(long bytes) => Interlocked.Add(ref _bytes, -bytes);

    /// <summary>Serves a unary call of gRPC only while there is room for its request.</summary>
    public Task AdmitAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.Type == MethodType.Unary
            ? AdmitUnaryAsync(context, next)
            : next(context);

    /// <summary>Small requests, nearly all, are there as soon as they are served, and cost no wait and no object here.</summary>
    private Task AdmitUnaryAsync(HttpContext context, RequestDelegate next)
    {
        var body = context.Request.BodyReader;
        return body.TryRead(out var read) && Peek(body, read) is { } bytes && bytes < LargeBytes
            ? next(context)
            : AdmitLargeAsync(context, next);
    }

    private async Task AdmitLargeAsync(HttpContext context, RequestDelegate next)
    {
        var bytes = await PeekBytesAsync(context.Request.BodyReader, context.RequestAborted);
        if (bytes < LargeBytes)
        {
            await next(context);
        }
        else if (TryTake(bytes))
        {
            try
            {
                await next(context);
            }
            finally
            {
                GiveBack(bytes);
            }
        }
        else
        {
            OpenCalls.Refuse(context);
        }
    }

    /// <summary>How large the message is that comes; read, but not consumed. 0: the request ends before it says.</summary>
    private async ValueTask<long> PeekBytesAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            if (Peek(body, await body.ReadAsync(cancellation)) is { } bytes)
            {
                return bytes;
            }
        }
    }

    /// <returns>Null: more has to come first.</returns>
    private long? Peek(PipeReader body, ReadResult read)
    {
        var isLongEnough = read.Buffer.Length >= PrefixBytes;
        long? bytes = isLongEnough ? MessageBytes(read.Buffer) : read.IsCompleted ? 0 : null;
        body.AdvanceTo(read.Buffer.Start, isLongEnough ? read.Buffer.Start : read.Buffer.End);
        return bytes;
    }

    private long MessageBytes(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        var isCompressed = prefix[0] != 0;
        // What is compressed may become as large as is allowed; what is larger is refused by its size, before it is read.
        return isCompressed ? options.ReceivedBytesMax : Math.Min(options.ReceivedBytesMax, BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }
}
