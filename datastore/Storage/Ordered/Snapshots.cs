using System.Buffers;
using Raft.Node.Ports;
using Raft.Storage.Disk;

namespace Raft.Storage.Ordered;

/// <summary>A RocksDB checkpoint: hard links to files that never change, and a few small files of its own.</summary>
internal sealed class CheckpointSnapshot : IStateSnapshot
{
    private readonly string _path;
    private int _disposed;

    public CheckpointSnapshot(string path)
    {
        _path = path;
        Files =
        [
            .. new DirectoryInfo(path).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal)
                .Select(file => (file.Name, file.Length)),
        ];
    }

    public IReadOnlyList<(string Path, long LengthBytes)> Files { get; }

    public Stream OpenFile(string path) =>
        Files.Any(file => file.Path == path)
            ? new FileStream(Path.Combine(_path, path), FileMode.Open, FileAccess.Read, FileShare.Read, 0, useAsync: true)
            : throw new FileNotFoundException($"The snapshot has no file '{path}'.");

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Directory.Delete(_path, recursive: true);
        }
    }
}

/// <summary>A snapshot that arrives in a folder of its own.</summary>
internal sealed class StagedSnapshot : IReceivedSnapshot
{
    // Flat names of the kind that RocksDB gives its files; nothing that could lead outside.
    private static readonly SearchValues<char> AllowedInNames =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private const int NameLengthMax = 100;
    private const int FilesMax = 1_000_000;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private string? _path;
    private FileStream? _file;
    private string? _fileName;
    private bool _complete;

    public StagedSnapshot(string path)
    {
        _path = path;
        Directory.CreateDirectory(path);
    }

    public async ValueTask WriteAsync(string path, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (_path is null || _complete)
        {
            throw new InvalidOperationException("The snapshot takes nothing more.");
        }

        if (path != _fileName)
        {
            await CloseFileAsync().ConfigureAwait(false);
            _file = Create(path);
            _fileName = path;
        }

        await _file!.WriteAsync(data, cancellation).ConfigureAwait(false);
    }

    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        await CloseFileAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        NativeFile.SyncDirectory(_path!);
        _complete = true;
    }

    /// <summary>Gives the files away: from now on they belong to the store.</summary>
    public void MoveTo(string path)
    {
        if (_path is null || !_complete)
        {
            throw new InvalidOperationException("Only a complete snapshot can be installed, once.");
        }

        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true); // of an install that failed between its steps
        }

        Directory.Move(_path, path);
        _path = null;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
        if (_path is not null && Directory.Exists(_path))
        {
            Directory.Delete(_path, recursive: true);
        }

        _path = null;
    }

    private FileStream Create(string name)
    {
        if (name.Length is 0 or > NameLengthMax || name[0] == '.' || name.AsSpan().ContainsAnyExcept(AllowedInNames))
        {
            throw new InvalidDataException("A snapshot names a file that is not allowed.");
        }

        if (!_names.Add(name) || _names.Count > FilesMax)
        {
            throw new InvalidDataException($"A snapshot goes back to its file '{name}', or has too many.");
        }

        return new(Path.Combine(_path!, name), FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, useAsync: true);
    }

    private async ValueTask CloseFileAsync()
    {
        if (_file is { } file)
        {
            NativeFile.SyncData(file.SafeFileHandle, file.Name);
            _file = null;
            _fileName = null;
            await file.DisposeAsync().ConfigureAwait(false);
        }
    }
}
