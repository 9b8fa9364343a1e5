namespace Raft.EndToEnd.Tests.Environment;

/// <summary>
/// A forwarded connection, read and written at the same time. The stream that the client library gives only blocks, and a
/// stream's own asynchronous methods let one wait for the other; each direction here has a thread of the pool while it waits.
/// </summary>
internal sealed class ForwardedStream(Stream blocking, IDisposable connection) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => blocking.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => blocking.Write(buffer, offset, count);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // An empty read asks whether there is anything to read; only a real one can tell here.
        if (buffer.IsEmpty)
            return 0;
        var bytes = new byte[buffer.Length];
        var read = await Task.Run(() => blocking.Read(bytes, 0, bytes.Length), cancellationToken);
        bytes.AsMemory(0, read).CopyTo(buffer);
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var bytes = buffer.ToArray();
        await Task.Run(() => blocking.Write(bytes, 0, bytes.Length), cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            blocking.Dispose();
            connection.Dispose();
        }

        base.Dispose(disposing);
    }
}
