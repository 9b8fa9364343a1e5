using Raft.Storage.Disk;

namespace Raft.Storage.Tests;

/// <summary>
/// A disk that forgets what was not synced. What a crash leaves is drawn from a seed: each 512-byte sector of an unsynced
/// write is there or not, and so is each name that was not synced.
/// </summary>
internal sealed class MemoryDisk : IDisk
{
    private const int SectorBytes = 512;

    // A log prepares its next segment beside its writing, so names change on two threads at once.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Content> _names = [];
    private Dictionary<string, Content> _durableNames = [];

    /// <summary>Writes and syncs left before every one fails.</summary>
    public int OperationsUntilFailure { get; set; } = int.MaxValue;

    /// <summary>Bytes that all files together may have.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>Called for each sync of a file.</summary>
    public Action OnSync { get; set; } = () => { };

    public int Syncs { get; private set; }

    public IReadOnlyList<string> List()
    {
        lock (_gate)
        {
            return [.. _names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    public string Describe(string name) => $"memory/{name}";

    public IDiskFile Create(string name, long lengthBytes)
    {
        lock (_gate)
        {
            Spend();
            if (_names.Values.Sum(content => (long)content.Bytes.Length) + lengthBytes > CapacityBytes)
            {
                throw new IOException("No space left on device.");
            }

            var content = new Content(new byte[lengthBytes]);
            _names[name] = content;
            return new MemoryFile(this, content);
        }
    }

    public IDiskFile Open(string name)
    {
        lock (_gate)
        {
            return _names.TryGetValue(name, out var content) ? new MemoryFile(this, content) : throw new FileNotFoundException(name);
        }
    }

    public void Rename(string from, string to)
    {
        lock (_gate)
        {
            Spend();
            _names.Remove(from, out var content);
            _names[to] = content ?? throw new FileNotFoundException(from);
        }
    }

    public void Delete(string name)
    {
        lock (_gate)
        {
            Spend();
            _names.Remove(name);
        }
    }

    public void SyncNames()
    {
        lock (_gate)
        {
            Spend();
            _durableNames = new(_names);
        }
    }

    /// <summary>The power fails: gives the disk as the next start finds it.</summary>
    public MemoryDisk Crash(Random random)
    {
        var left = new MemoryDisk();
        foreach (var name in _durableNames.Keys.Union(_names.Keys).Order(StringComparer.Ordinal))
        {
            var (before, after) = (_durableNames.GetValueOrDefault(name), _names.GetValueOrDefault(name));
            if ((ReferenceEquals(before, after) || random.Next(2) == 0 ? after : before) is { } content)
            {
                left._names[name] = new(content.AfterCrash(random));
            }
        }

        left._durableNames = new(left._names);
        return left;
    }

    /// <summary>The same disk for another process, with nothing lost.</summary>
    public MemoryDisk Copy()
    {
        var copy = new MemoryDisk();
        foreach (var (name, content) in _names)
        {
            copy._names[name] = new([.. content.Bytes]);
        }

        copy._durableNames = new(copy._names);
        return copy;
    }

    public byte[] this[string name]
    {
        get => _names[name].Bytes;
        set => _names[name] = new(value);
    }

    private void Spend()
    {
        lock (_gate)
        {
            if (OperationsUntilFailure-- <= 0)
            {
                throw new IOException("Input/output error.");
            }
        }
    }

    private sealed class Content(byte[] bytes)
    {
        public byte[] Bytes { get; set; } = bytes;

        public byte[] Durable { get; set; } = [.. bytes];

        public byte[] AfterCrash(Random random)
        {
            var left = random.Next(2) == 0 ? new byte[Bytes.Length] : new byte[Durable.Length];
            Durable.AsSpan(0, Math.Min(left.Length, Durable.Length)).CopyTo(left);
            for (var start = 0; start < Math.Min(left.Length, Bytes.Length); start += SectorBytes)
            {
                var sector = start..Math.Min(start + SectorBytes, Math.Min(left.Length, Bytes.Length));
                if (random.Next(2) == 0)
                {
                    Bytes.AsSpan(sector).CopyTo(left.AsSpan(sector));
                }
            }

            return left;
        }
    }

    private sealed class MemoryFile(MemoryDisk disk, Content content) : IDiskFile
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
            {
                SetLength(offset + bytes.Length);
            }

            // A write that fails may have written some of it.
            var written = disk.OperationsUntilFailure > 0 ? bytes.Length : bytes.Length / 2;
            bytes[..written].CopyTo(content.Bytes.AsSpan((int)offset));
            disk.Spend();
        }

        public void Sync()
        {
            disk.Spend();
            disk.Syncs++;
            disk.OnSync();
            content.Durable = [.. content.Bytes];
        }

        public void SetLength(long lengthBytes)
        {
            var bytes = content.Bytes;
            Array.Resize(ref bytes, (int)lengthBytes);
            content.Bytes = bytes;
        }

        public void Dispose()
        {
        }
    }
}
