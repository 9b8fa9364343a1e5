using System.Buffers.Binary;
using Raft.Consensus;
using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.Node.Ports;
using Configuration = Raft.Consensus.Configuration;
using WireConfiguration = Raft.Protocol.V1.Configuration;

namespace Raft.Simulation.Tests.Disks;

/// <summary>
/// An ordered store of which a crash leaves some prefix of the batches written, not shorter than the last flush: a store may
/// flush by itself at any time.
/// </summary>
internal sealed class SimulatedStore : IStateStore
{
    private readonly InMemoryOrderedStore _present = new();

    // What a crash may leave, oldest first: the last flush, then each batch since.
    private readonly List<InMemoryOrderedStore> _states = [new()];

    /// <summary>Called before each step that a crash may come before.</summary>
    public Action OnStep { get; set; } = static () => { };

    /// <summary>Called when a batch that says how far the state has come is visible.</summary>
    public Action<EntryId, Configuration> OnApplied { get; set; } = static (_, _) => { };

    /// <summary>Called when a snapshot has replaced all.</summary>
    public Action<EntryId, Configuration> OnInstalled { get; set; } = static (_, _) => { };

    /// <summary>How a flush takes its time: calls what it is given when it is done.</summary>
    public Action<Action> Later { get; set; } = static done => done();

    public InMemoryOrderedStore Present => _present;

    /// <summary>How far the state has come that is there after any crash.</summary>
    public LogIndex DurablyApplied =>
        _states[0].Get(AppliedRecord) is { } record ? new LogIndex(BinaryPrimitives.ReadUInt64BigEndian(record)) : default;

    private static ReadOnlySpan<byte> AppliedRecord => "napplied"u8;

    public (long Total, long InUse) SizeBytes => (0, 0);

    public IOrderedReader OpenView() => _present.OpenView();

    public byte[]? Get(ReadOnlySpan<byte> key) => _present.Get(key);

    public IOrderedCursor OpenCursor() => _present.OpenCursor();

    public void Write(OrderedBatch batch)
    {
        OnStep();
        _present.Write(batch);
        _states.Add(_present.Clone());
        foreach (var write in batch.Writes)
        {
            if (write.Kind == OrderedWriteKind.Put && write.Key.Span.SequenceEqual(AppliedRecord))
                Tell(OnApplied, write.Value.Span);
        }

        OnStep();
    }

    public Task FlushAsync()
    {
        OnStep();
        var flushed = _present.Clone();
        var position = _states.Count - 1;
        var last = _states[position];
        var done = new TaskCompletionSource();
        Later(() =>
        {
            if (_states.IndexOf(last) is > 0 and var reached)
                _states.RemoveRange(0, reached);
            if (_states.Count == 0)
                _states.Add(flushed);
            done.SetResult();
        });
        return done.Task;
    }

    public IStateSnapshot TakeSnapshot() => new Snapshot(_present.Clone());

    public void Install(IReceivedSnapshot snapshot)
    {
        OnStep();
        _present.ReplaceWith(((Snapshot)snapshot).Content);
        _states.Clear();
        _states.Add(_present.Clone());
        Tell(OnInstalled, _present.Get(AppliedRecord));
        OnStep();
    }

    /// <summary>Replaces all in memory, and leaves it to the next flush to make that durable: not as it should be.</summary>
    public void Replace(OrderedBatch batch)
    {
        _present.Write(batch);
        _states.Add(_present.Clone());
        Tell(OnInstalled, _present.Get(AppliedRecord));
    }

    public Task CompactFilesAsync() => Task.CompletedTask;

    /// <summary>What was not flushed may be gone.</summary>
    public void Crash(SeededRandom random)
    {
        var left = _states[random.Below(_states.Count)];
        _present.ReplaceWith(left);
        _states.Clear();
        _states.Add(_present.Clone());
    }

    public void Dispose()
    {
    }

    /// <summary>Reads what the node writes beside the data: index, term, and the members as of then.</summary>
    private static void Tell(Action<EntryId, Configuration> listener, ReadOnlySpan<byte> record)
    {
        var members = WireConfiguration.Parser.ParseFrom(record[(2 * sizeof(ulong))..]);
        listener(
            new EntryId(
                new Term(BinaryPrimitives.ReadUInt64BigEndian(record[sizeof(ulong)..])),
                new LogIndex(BinaryPrimitives.ReadUInt64BigEndian(record))),
            new Configuration(
                [.. members.Voters.Select(id => new MemberId(id))],
                [.. members.Learners.Select(id => new MemberId(id))]));
    }

    /// <summary>A copy that needs no files: it travels as it is.</summary>
    internal sealed class Snapshot(InMemoryOrderedStore content) : IStateSnapshot, IReceivedSnapshot
    {
        public InMemoryOrderedStore Content => content;

        public IReadOnlyList<(string Path, long LengthBytes)> Files => [];

        public Stream OpenFile(string path) => Stream.Null;

        public ValueTask WriteAsync(string path, ReadOnlyMemory<byte> data, CancellationToken cancellation) => default;

        public ValueTask CompleteAsync(CancellationToken cancellation) => default;

        public void Dispose()
        {
        }
    }
}
