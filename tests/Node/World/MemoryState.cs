using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.Node.Ports;

namespace Raft.Node.Tests.World;

/// <summary>An ordered store of which a crash leaves what it held at the last flush.</summary>
internal sealed class MemoryState : IStateStore
{
    private readonly InMemoryOrderedStore _present = new();
    private readonly InMemoryOrderedStore _durable = new();
    private readonly InMemoryOrderedStore _flushing = new();

    private TaskCompletionSource? _held;

    public int Flushes { get; private set; }

    /// <summary>While true, each flush is under way until <see cref="CompleteFlush"/>.</summary>
    public bool HoldsFlushes { get; set; }

    /// <summary>While true, nothing can be written.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Batches written; all that one turn applies should be one.</summary>
    public int Batches { get; private set; }

    public (long Total, long InUse) SizeBytes => (0, 0);

    public IOrderedReader OpenView() => _present.OpenView();

    public void Write(OrderedBatch batch)
    {
        if (IsBroken)
        {
            throw new IOException("The disk of the state is broken.");
        }

        Batches++;
        _present.Write(batch);
    }

    public byte[]? Get(ReadOnlySpan<byte> key) => _present.Get(key);

    public IOrderedCursor OpenCursor() => _present.OpenCursor();

    public Task FlushAsync()
    {
        Flushes++;
        if (HoldsFlushes)
        {
            _flushing.ReplaceWith(_present);
            _held = new TaskCompletionSource();
            return _held.Task;
        }

        _durable.ReplaceWith(_present);
        return Task.CompletedTask;
    }

    /// <summary>Makes durable what there was when the held flush began, and says so.</summary>
    public void CompleteFlush()
    {
        _durable.ReplaceWith(_flushing);
        _held!.SetResult();
    }

    public IStateSnapshot TakeSnapshot() => new Snapshot(_present.Clone());

    public void Install(IReceivedSnapshot snapshot)
    {
        _present.ReplaceWith(((Snapshot)snapshot).Content);
        _durable.ReplaceWith(_present);
    }

    public Task CompactFilesAsync() => Task.CompletedTask;

    /// <summary>All entries of some keyspaces, which the first byte of a key names.</summary>
    public string ContentOf(ReadOnlySpan<byte> keyspaces)
    {
        var named = keyspaces.ToArray();
        return string.Join('\n', _present.Content.Where(entry => named.Contains(entry.Key[0]))
            .Select(static entry => $"{Convert.ToHexString(entry.Key)}={Convert.ToHexString(entry.Value)}"));
    }

    /// <summary>What was not flushed is gone.</summary>
    public void Crash() => _present.ReplaceWith(_durable);

    public void Dispose()
    {
    }

    /// <summary>A copy that needs no files: it travels as it is.</summary>
    internal sealed class Snapshot(InMemoryOrderedStore content) : IStateSnapshot, IReceivedSnapshot
    {
        public InMemoryOrderedStore Content => content;

        public bool IsDisposed { get; private set; }

        public IReadOnlyList<(string Path, long LengthBytes)> Files => [];

        public Stream OpenFile(string path) => Stream.Null;

        public ValueTask WriteAsync(string path, ReadOnlyMemory<byte> data, CancellationToken cancellation) => default;

        public ValueTask CompleteAsync(CancellationToken cancellation) => default;

        public void Dispose() => IsDisposed = true;
    }
}
