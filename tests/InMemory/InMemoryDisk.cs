using Raft.Storage.Disk;

namespace Raft.InMemory;

/// <summary>
/// A disk that forgets what was not synced. What a crash leaves is drawn: each 512-byte sector of an unsynced write is there or
/// not, and so is each name that was not synced. A log prepares its next segment beside its writing, so names may change on two
/// threads at once; a file has one writer.
/// </summary>
public sealed class InMemoryDisk : IDisk
{
    private const int SectorBytes = 512;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Content> _names = [];
    private Dictionary<string, Content> _durableNames = [];

    /// <summary>Called before each operation that changes something; may throw in its place.</summary>
    public Action OnOperation { get; set; } = static () => { };

    /// <summary>Operations that change something left before every one fails.</summary>
    public int OperationsUntilFailure { get; set; } = int.MaxValue;

    /// <summary>Called for each sync of a file, once it is sure to succeed.</summary>
    public Action OnSync { get; set; } = static () => { };

    /// <summary>Bytes that all files together may have.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>Syncs of files so far.</summary>
    public int Syncs { get; private set; }

    /// <summary>The bytes of a file as they would be read now.</summary>
    public byte[] this[string name]
    {
        get => _names[name].Bytes;
        set => _names[name] = new Content(value);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List()
    {
        lock (_gate)
        {
            return [.. _names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <inheritdoc/>
    public string Describe(string name) => $"memory/{name}";

    /// <inheritdoc/>
    public IDiskFile Create(string name, long lengthBytes)
    {
        lock (_gate)
        {
            Spend();
            if (_names.Values.Sum(content => (long)content.Bytes.Length) + lengthBytes > CapacityBytes)
                throw new IOException("No space left on device.");
            var content = new Content(new byte[lengthBytes]);
            _names[name] = content;
            return new MemoryFile(this, content);
        }
    }

    /// <inheritdoc/>
    public IDiskFile Open(string name)
    {
        lock (_gate)
        {
            return _names.TryGetValue(name, out var content) ? new MemoryFile(this, content) : throw new FileNotFoundException(name);
        }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        lock (_gate)
        {
            Spend();
            _names.Remove(from, out var content);
            _names[to] = content ?? throw new FileNotFoundException(from);
        }
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        lock (_gate)
        {
            Spend();
            _names.Remove(name);
        }
    }

    /// <inheritdoc/>
    public void SyncNames()
    {
        lock (_gate)
        {
            Spend();
            _durableNames = new Dictionary<string, Content>(_names);
        }
    }

    /// <summary>The power fails: gives the disk as the next start finds it.</summary>
    /// <param name="below">Draws a number from 0 (inclusive) to its argument (exclusive).</param>
    public InMemoryDisk Crash(Func<int, int> below)
    {
        var left = new InMemoryDisk { CapacityBytes = CapacityBytes };
        foreach (var name in _durableNames.Keys.Union(_names.Keys).Order(StringComparer.Ordinal))
        {
            var (before, after) = (_durableNames.GetValueOrDefault(name), _names.GetValueOrDefault(name));
            if ((ReferenceEquals(before, after) || below(2) == 0 ? after : before) is { } content)
                left._names[name] = new Content(content.AfterCrash(below)) { LastSyncedWriteAt = content.LastSyncedWriteAt };
        }

        left._durableNames = new Dictionary<string, Content>(left._names);
        return left;
    }

    /// <summary>The same disk for another process, with nothing lost.</summary>
    public InMemoryDisk Copy()
    {
        var copy = new InMemoryDisk { CapacityBytes = CapacityBytes };
        foreach (var (name, content) in _names)
            copy._names[name] = new Content([.. content.Bytes]) { LastSyncedWriteAt = content.LastSyncedWriteAt };
        copy._durableNames = new Dictionary<string, Content>(copy._names);
        return copy;
    }

    /// <summary>Where the last write to a file that was synced began, in bytes: all before it was durable earlier.</summary>
    public long LastSyncedWriteAt(string name) => _names[name].LastSyncedWriteAt;

    private void Spend()
    {
        if (OperationsUntilFailure-- <= 0)
            throw new IOException("Input/output error.");
        OnOperation();
    }

    private sealed class Content(byte[] bytes)
    {
        private byte[] _durable = [.. bytes];

        private long _lastWriteAt;

        // What was written since the last sync, as sectors.
        private readonly SortedSet<int> _unsynced = [];

        public byte[] Bytes { get; private set; } = bytes;

        public long LastSyncedWriteAt { get; set; }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            _lastWriteAt = offset;
            bytes.CopyTo(Bytes.AsSpan((int)offset));
            MarkUnsynced((int)offset, (int)offset + bytes.Length);
        }

        public void SetLength(int length)
        {
            var bytes = Bytes;
            var before = bytes.Length;
            Array.Resize(ref bytes, length);
            Bytes = bytes;
            MarkUnsynced(Math.Min(before, length), Math.Max(before, length));
        }

        public void Sync()
        {
            if (_durable.Length != Bytes.Length)
                Array.Resize(ref _durable, Bytes.Length);
            foreach (var sector in _unsynced)
                CopySector(sector, Bytes, _durable);
            _unsynced.Clear();
            LastSyncedWriteAt = _lastWriteAt;
        }

        public byte[] AfterCrash(Func<int, int> below)
        {
            var left = new byte[below(2) == 0 ? Bytes.Length : _durable.Length];
            _durable.AsSpan(0, Math.Min(left.Length, _durable.Length)).CopyTo(left);
            foreach (var sector in _unsynced)
            {
                if (below(2) == 0)
                    CopySector(sector, Bytes, left);
            }

            return left;
        }

        private void MarkUnsynced(int from, int until)
        {
            for (var sector = from / SectorBytes; sector * SectorBytes < until; sector++)
                _unsynced.Add(sector);
        }

        private static void CopySector(int sector, byte[] from, byte[] to)
        {
            var start = sector * SectorBytes;
            var end = Math.Min(start + SectorBytes, Math.Min(from.Length, to.Length));
            if (start < end)
                from.AsSpan(start, end - start).CopyTo(to.AsSpan(start));
        }
    }

    private sealed class MemoryFile(InMemoryDisk disk, Content content) : IDiskFile
    {
        public long LengthBytes => content.Bytes.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            var there = content.Bytes.AsSpan((int)Math.Min(offset, content.Bytes.Length));
            var count = Math.Min(there.Length, buffer.Length);
            there[..count].CopyTo(buffer);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            if (offset + bytes.Length > content.Bytes.Length)
                SetLength(offset + bytes.Length);
            try
            {
                disk.Spend();
            }
            catch
            {
                // A write that fails may have written some of it.
                content.Write(offset, bytes[..(bytes.Length / 2)]);
                throw;
            }

            content.Write(offset, bytes);
        }

        public void Sync()
        {
            disk.Spend();
            disk.Syncs++;
            disk.OnSync();
            content.Sync();
        }

        public void SetLength(long lengthBytes) => content.SetLength((int)lengthBytes);

        public void Dispose()
        {
        }
    }
}
