using System.Buffers.Binary;
using System.Formats.Tar;
using System.Security.Cryptography;
using Raft.Node.Ports;

namespace Raft.Server.Restore;

/// <summary>A file that cannot be taken for a snapshot; the message says why. Nothing was changed.</summary>
internal sealed class SnapshotException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// What Maintenance/Snapshot streams (see <see cref="Services.SnapshotStream"/>), saved as a file: a tar archive and its SHA-256.
/// Whoever has one of these has compared the two, unless they wished otherwise.
/// </summary>
internal sealed class SnapshotFile : IDisposable
{
    private const int TarBlockBytes = 512;
    private const int BufferBytes = 1 << 16;
    private const int TarMagicAt = 257;

    /// <summary>Where bbolt, which etcd keeps its data in, has its magic number in the first page.</summary>
    private const int BoltMagicAt = 16;
    private const uint BoltMagic = 0xED0CDAED;

    private readonly string _path;
    private readonly FileStream _file;

    private SnapshotFile(string path, FileStream file, byte[] sha256) => (_path, _file, Sha256) = (path, file, Convert.ToHexStringLower(sha256));

    /// <summary>Of the archive: names exactly this content.</summary>
    public string Sha256 { get; }

    /// <summary>Of the whole file.</summary>
    public long LengthBytes => _file.Length;

    /// <summary>Opens a file and reads all of it to see that it is whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="skipHashCheck">Take it whatever its SHA-256 says, and also without one.</param>
    /// <exception cref="SnapshotException">It is something else, or damaged.</exception>
    public static async Task<SnapshotFile> OpenAsync(string path, bool skipHashCheck)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes, useAsync: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SnapshotException($"The snapshot '{path}' cannot be read: {error.Message}", error);
        }

        try
        {
            await RefuseForeignAsync(path, file);
            return new SnapshotFile(path, file, await VerifyAsync(path, file, skipHashCheck));
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives the files of the store to one who receives a snapshot.</summary>
    /// <exception cref="SnapshotException">The archive is not what a member writes.</exception>
    public async Task UnpackAsync(IReceivedSnapshot received)
    {
        _file.Position = 0;
        var buffer = new byte[BufferBytes];
        try
        {
            await using var tar = new TarReader(_file, leaveOpen: true);
            while (await tar.GetNextEntryAsync() is { } entry)
            {
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
                {
                    throw new InvalidDataException($"it holds '{entry.Name}', which is no file.");
                }

                // Also an empty file is a file.
                var read = 0;
                do
                {
                    read = entry.DataStream is { } data ? await data.ReadAsync(buffer) : 0;
                    await received.WriteAsync(entry.Name, buffer.AsMemory(0, read), CancellationToken.None);
                }
                while (read > 0);
            }

            await received.CompleteAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException or OverflowException)
        {
            throw new SnapshotException($"The snapshot '{_path}' cannot be unpacked: {error.Message}", error);
        }
    }

    public void Dispose() => _file.Dispose();

    private static async Task RefuseForeignAsync(string path, FileStream file)
    {
        var start = new byte[TarBlockBytes];
        var read = await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false);
        if (read == start.Length && BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(BoltMagicAt)) == BoltMagic)
        {
            throw new SnapshotException(
                $"'{path}' is a snapshot of etcd itself: only etcd can restore it. To bring its data here, restore it into an etcd and copy "
                + "the keys from there with `etcdctl make-mirror`.");
        }

        if (read < start.Length || !start.AsSpan(TarMagicAt).StartsWith("ustar"u8))
        {
            throw new SnapshotException($"'{path}' is no snapshot of this server, or its beginning is damaged.");
        }
    }

    private static async Task<byte[]> VerifyAsync(string path, FileStream file, bool skipHashCheck)
    {
        var hasHash = file.Length % TarBlockBytes == SHA256.HashSizeInBytes;
        if (!hasHash && !skipHashCheck)
        {
            throw new SnapshotException(
                $"'{path}' is damaged: it does not end with the SHA-256 of its content, so its end is missing. (--skip-hash-check takes it all the same.)");
        }

        file.Position = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        for (var left = file.Length - (hasHash ? SHA256.HashSizeInBytes : 0); left > 0;)
        {
            var read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)));
            if (read == 0)
            {
                throw new SnapshotException($"'{path}' became shorter while it was read.");
            }

            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        var (actual, expected) = (hash.GetHashAndReset(), new byte[SHA256.HashSizeInBytes]);
        var whole = hasHash && await file.ReadAtLeastAsync(expected, expected.Length, throwOnEndOfStream: false) == expected.Length
            && actual.AsSpan().SequenceEqual(expected);
        return whole || skipHashCheck
            ? actual
            : throw new SnapshotException(
                $"'{path}' is damaged: its content has the SHA-256 {Convert.ToHexStringLower(actual)}, but it ends with {Convert.ToHexStringLower(expected)}.");
    }
}
