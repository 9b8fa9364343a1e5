using System.Buffers;
using System.Buffers.Binary;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Raft.Server.Options;

namespace Raft.Server.Hosting;

/// <summary>
/// Bounds the memory that large requests take up together, from before they are parsed until they are answered. A request is read
/// whole before anything can look at it: without this, a flood of large ones would run the member out of memory before the
/// node's own admission sees the first of them. What does not fit is refused, with etcd's "too many requests".
/// </summary>
internal sealed class ReceiveBudget(ServerOptions options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    /// <summary>The flag and the length that every message of gRPC begins with.</summary>
    private const int PrefixBytes = 5;

    /// <summary>An eighth of the memory that there is, since a request is held in several forms (read, parsed, logged, applied).</summary>
    private readonly ByteBudget _budget = new(Math.Min(128L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8));

    /// <summary>Room for a request.</summary>
    public ByteBudget.Room RoomFor(HttpContext context) => _budget.RoomFor(context.Connection.RemoteIpAddress);

    /// <summary>The body of a request, which takes that room while it arrives.</summary>
    public ArrivingBody Arriving(HttpContext context, ByteBudget.Room room, bool isStream) =>
        new(context.Request.BodyReader, room, time, isStream, lifetime.ApplicationStopping);

    /// <summary>Serves a call of gRPC that has one request when that is there, if there is room for it.</summary>
    public Task AdmitAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.Type is MethodType.Unary or MethodType.ServerStreaming
            ? AdmitOneAsync(context, next)
            : next(context);

    /// <summary>Small requests, nearly all, are there as soon as they are served, and cost no wait and no object here.</summary>
    private Task AdmitOneAsync(HttpContext context, RequestDelegate next)
    {
        var body = context.Request.BodyReader;
        var isSmall = false;
        if (body.TryRead(out var read))
        {
            isSmall = read.IsCompleted && read.Buffer.Length < ArrivingBody.LargeBytes && read.Buffer.FirstSpan is [0, < 0x80, ..]; // nor can it announce too much
            body.AdvanceTo(read.Buffer.Start);
        }

        return isSmall ? next(context) : AdmitArrivingAsync(context, next);
    }

    private async Task AdmitArrivingAsync(HttpContext context, RequestDelegate next)
    {
        using var room = RoomFor(context);
        if (await ArriveAsync(context, room) is { } refusal)
        {
            EarlyRefusal.Answer(context, refusal.StatusCode, refusal.Detail);
        }
        else
        {
            await next(context);
        }
    }

    /// <summary>Waits until a request is there, without consuming it.</summary>
    /// <returns>Null: it is, or gRPC refuses it by what is there.</returns>
    private async ValueTask<Status?> ArriveAsync(HttpContext context, ByteBudget.Room room)
    {
        using var body = Arriving(context, room, isStream: false);
        while (await body.TryReadAsync())
        {
            var isAnnounced = body.Buffer.Length >= PrefixBytes;
            var bytes = isAnnounced ? MessageBytes(body.Buffer) : 0;
            if (bytes > int.MaxValue || body.Buffer.FirstSpan is [> 1, ..])
            {
                return bytes > int.MaxValue ? MalformedRequests.TooLarge : MalformedRequests.NoFlag;
            }

            if (body.IsCompleted || (isAnnounced && (bytes > options.ReceivedBytesMax || body.Buffer.Length > PrefixBytes + bytes)))
            {
                // What is compressed may become as large as is allowed.
                var isCharged = !IsCompressed(body.Buffer) || body.TryCharge(options.ReceivedBytesMax);
                body.Leave();
                return isCharged ? null : body.Refusal;
            }

            body.AdvanceTo(body.Buffer.Start);
        }

        return body.Refusal;
    }

    private static bool IsCompressed(ReadOnlySequence<byte> buffer) => buffer.FirstSpan is [not 0, ..];

    private static long MessageBytes(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        return BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
    }
}
