using Microsoft.Win32.SafeHandles;

namespace Raft.Storage.Disk;

/// <summary>A folder of the machine's file system.</summary>
/// <param name="path">The folder; it must exist.</param>
public sealed class RealDisk(string path) : IDisk
{
    private readonly string _path = Path.GetFullPath(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
        [.. new DirectoryInfo(_path).EnumerateFileSystemInfos().Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public string Describe(string name) => Path.Combine(_path, name);

    /// <inheritdoc/>
    public IDiskFile Create(string name, long lengthBytes)
    {
        var file = new RealFile(Describe(name), FileMode.Create);
        try
        {
            file.Reserve(lengthBytes);
            return file;
        }
        catch (IOException)
        {
            file.Dispose();
            File.Delete(Describe(name));
            throw;
        }
    }

    /// <inheritdoc/>
    public IDiskFile Open(string name) => new RealFile(Describe(name), FileMode.Open);

    /// <inheritdoc/>
    public void Rename(string from, string to) => File.Move(Describe(from), Describe(to), overwrite: true);

    /// <inheritdoc/>
    public void Delete(string name) => File.Delete(Describe(name));

    /// <inheritdoc/>
    public void SyncNames() => NativeFile.SyncDirectory(_path);

    private sealed class RealFile(string path, FileMode mode) : IDiskFile
    {
        private readonly SafeFileHandle _handle = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.Read);

        public long LengthBytes => RandomAccess.GetLength(_handle);

        public int Read(long offset, Span<byte> buffer)
        {
            var total = 0;
            while (total < buffer.Length)
            {
                var read = RandomAccess.Read(_handle, buffer[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return total;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, offset);

        public void Sync() => NativeFile.SyncData(_handle, path);

        public void SetLength(long lengthBytes) => RandomAccess.SetLength(_handle, lengthBytes);

        public void Reserve(long lengthBytes)
        {
            if (lengthBytes > 0)
            {
                NativeFile.Reserve(_handle, lengthBytes, path);
            }
        }

        public void Dispose() => _handle.Dispose();
    }
}
