using System.Formats.Tar;
using System.Security.Cryptography;
using Raft.Node.Ports;

namespace Raft.Server.Services;

/// <summary>A snapshot as one stream of bytes: its files in a tar archive (ustar), followed by the archive's SHA-256.</summary>
internal static class SnapshotStream
{
    public const int ChunkBytes = 32 * 1024;
    private const int TarBlockBytes = 512;

    /// <summary>Bytes of the archive, known before it is written.</summary>
    public static long ArchiveBytes(IStateSnapshot snapshot) =>
        snapshot.Files.Sum(file => TarBlockBytes + ((file.LengthBytes + TarBlockBytes - 1) / TarBlockBytes * TarBlockBytes)) + (2 * TarBlockBytes);

    /// <param name="snapshot">What to write.</param>
    /// <param name="sendAsync">Takes a chunk, and how many bytes follow it.</param>
    public static async Task WriteAsync(IStateSnapshot snapshot, Func<byte[], long, Task> sendAsync)
    {
        var chunks = new ChunkStream(ArchiveBytes(snapshot) + SHA256.HashSizeInBytes, sendAsync);
        await using (var tar = new TarWriter(chunks, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, _) in snapshot.Files)
            {
                await using var file = snapshot.OpenFile(path);
                await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, path) { DataStream = file });
            }
        }

        await chunks.FinishAsync();
    }

    /// <summary>Gathers what is written into chunks of one size.</summary>
    private sealed class ChunkStream(long totalBytes, Func<byte[], long, Task> sendAsync) : Stream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly MemoryStream _chunk = new(ChunkBytes);
        private long _remaining = totalBytes;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (buffer.Length > 0)
            {
                var part = buffer[..Math.Min(buffer.Length, ChunkBytes - (int)_chunk.Length)];
                _chunk.Write(part.Span);
                buffer = buffer[part.Length..];
                if (_chunk.Length == ChunkBytes)
                {
                    await SendChunkAsync();
                }
            }
        }

        public async Task FinishAsync()
        {
            await SendChunkAsync();
            _chunk.Write(_hash.GetHashAndReset());
            await SendChunkAsync();
            _hash.Dispose();
        }

        public override void Write(byte[] buffer, int offset, int count) =>
            WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private async Task SendChunkAsync()
        {
            if (_chunk.Length > 0)
            {
                var bytes = _chunk.ToArray();
                _chunk.SetLength(0);
                _hash.AppendData(bytes);
                _remaining -= bytes.Length;
                await sendAsync(bytes, _remaining);
            }
        }
    }
}
