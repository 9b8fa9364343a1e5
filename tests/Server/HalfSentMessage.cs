using System.Buffers.Binary;
using System.Net;

namespace Raft.Server.Tests;

/// <summary>A request that announces a message of two MiB, of which one byte comes.</summary>
internal sealed class HalfSentMessage : HttpContent
{
    private const int AnnouncedBytes = 2 * 1024 * 1024;

    private readonly TaskCompletionSource _halfSent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _disposed = new();

    public HalfSentMessage() => Headers.ContentType = new("application/grpc");

    public Task IsHalfSent => _halfSent.Task;

    /// <summary>A call of a method with it.</summary>
    public HttpRequestMessage To(LocalMember member, string method) => new(HttpMethod.Post, $"{member.ClientUrl}/{method}")
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = this,
    };

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var start = new byte[6];
        BinaryPrimitives.WriteInt32BigEndian(start.AsSpan(1), AnnouncedBytes);
        await stream.WriteAsync(start);
        await stream.FlushAsync();
        _halfSent.SetResult();
        await Task.Delay(Timeout.Infinite, _disposed.Token);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        _disposed.Cancel();
        base.Dispose(disposing);
    }
}
