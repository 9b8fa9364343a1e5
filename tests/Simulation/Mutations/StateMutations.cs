using Raft.KeyValue.Ports;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Disks;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>Rules of the state machine's store, broken one at a time.</summary>
internal static class StateMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        Broken("the applied index lags behind the data", static store => new RecordAfterData(store)),
        Broken("the applied index runs ahead of the data", static store => new RecordBeforeData(store)),
        Broken("a flush is reported that was never made", static store => new FlushesNothing(store)),
        Broken("a snapshot is laid over what was there", static store => new LaysSnapshotOver(store)),
        Broken("an installed snapshot is not durable", static store => new InstallsInMemory(store)),
        Broken("a snapshot for another member lacks a key", static store => new LosesKeyInSnapshot(store)),
        Broken("answers to requests in sessions are not kept", static store => new Forgets(store, 'a')),
        Broken("a snapshot for another member lacks the sessions", static store => new LosesInSnapshot(store, "sae")),
        Broken("a snapshot for another member lacks the leases", static store => new LosesInSnapshot(store, "lL")),
        Broken("it is not kept which keys live under a lease", static store => new Forgets(store, 'L')),
        Broken("it is not kept what a revision changed", static store => new Forgets(store, 'H')),
        Broken("overwritten pairs are not kept", static store => new ForgetsReplaced(store)),
        Broken("a member leaves out a tombstone now and then", static store => new SkipsTombstones(store)),
        Broken("a member leaves out a deletion now and then", static store => new SkipsDeletions(store)),
    ];

    private static Mutation Broken(string name, Func<SimulatedStore, IStateStore> store) => new(name, new OtherStore(store));

    private static bool IsRecord(OrderedWrite write) => write.Key.Span.SequenceEqual("napplied"u8);

    private static OrderedBatch Of(IEnumerable<OrderedWrite> writes)
    {
        var batch = new OrderedBatch();
        foreach (var write in writes)
        {
            switch (write.Kind)
            {
                case OrderedWriteKind.Put:
                    batch.Put(write.Key, write.Value);
                    break;
                case OrderedWriteKind.Delete:
                    batch.Delete(write.Key);
                    break;
                default:
                    batch.DeleteRange(write.Key, write.Value);
                    break;
            }
        }

        return batch;
    }

    private sealed class OtherStore(Func<SimulatedStore, IStateStore> make) : Parts
    {
        public override IStateStore Store(SimulatedStore store) => make(store);
    }

    private class Passing(SimulatedStore store) : IStateStore
    {
        protected SimulatedStore Real => store;

        public (long Total, long InUse) SizeBytes => store.SizeBytes;

        public IOrderedReader OpenView() => store.OpenView();

        public byte[]? Get(ReadOnlySpan<byte> key) => store.Get(key);

        public IOrderedCursor OpenCursor() => store.OpenCursor();

        public virtual void Write(OrderedBatch batch) => store.Write(batch);

        public virtual Task FlushAsync() => store.FlushAsync();

        public virtual IStateSnapshot TakeSnapshot() => store.TakeSnapshot();

        public virtual void Install(IReceivedSnapshot snapshot) => store.Install(snapshot);

        public Task CompactFilesAsync() => store.CompactFilesAsync();

        public void Dispose() => store.Dispose();
    }

    private sealed class RecordAfterData(SimulatedStore store) : Passing(store)
    {
        public override void Write(OrderedBatch batch)
        {
            Real.Write(Of(batch.Writes.Where(static write => !IsRecord(write))));
            Real.Write(Of(batch.Writes.Where(IsRecord)));
        }
    }

    private sealed class RecordBeforeData(SimulatedStore store) : Passing(store)
    {
        public override void Write(OrderedBatch batch)
        {
            Real.Write(Of(batch.Writes.Where(IsRecord)));
            Real.Write(Of(batch.Writes.Where(static write => !IsRecord(write))));
        }
    }

    private sealed class FlushesNothing(SimulatedStore store) : Passing(store)
    {
        public override Task FlushAsync() => Task.CompletedTask;
    }

    private sealed class LaysSnapshotOver(SimulatedStore store) : Passing(store)
    {
        public override void Install(IReceivedSnapshot snapshot)
        {
            var content = ((SimulatedStore.Snapshot)snapshot).Content;
            var both = Real.Present.Clone();
            both.Write(Of(content.Content.Select(static pair => new OrderedWrite(OrderedWriteKind.Put, pair.Key, pair.Value))));
            Real.Install(new SimulatedStore.Snapshot(both));
        }
    }

    private sealed class InstallsInMemory(SimulatedStore store) : Passing(store)
    {
        public override void Install(IReceivedSnapshot snapshot)
        {
            var content = ((SimulatedStore.Snapshot)snapshot).Content;
            var batch = new OrderedBatch();
            batch.DeleteRange(new byte[] { 0 }, new byte[] { 255 });
            foreach (var (key, value) in content.Content)
                batch.Put(key, value);
            Real.Replace(batch);
        }
    }

    private sealed class LosesKeyInSnapshot(SimulatedStore store) : Passing(store)
    {
        public override IStateSnapshot TakeSnapshot()
        {
            var content = Real.Present.Clone();
            var batch = new OrderedBatch();
            if (content.Content.FirstOrDefault(static pair => pair.Key[0] == (byte)'k').Key is { } key)
                batch.Delete(key);
            content.Write(batch);
            return new SimulatedStore.Snapshot(content);
        }
    }

    private sealed class Forgets(SimulatedStore store, char keyspace) : Passing(store)
    {
        public override void Write(OrderedBatch batch) => Real.Write(Of(batch.Writes.Where(write => write.Key.Span[0] != keyspace)));
    }

    /// <summary>Changes name their key only, not the version that they replaced.</summary>
    private sealed class ForgetsReplaced(SimulatedStore store) : Passing(store)
    {
        private const byte Replaces = 4;

        public override void Write(OrderedBatch batch) => Real.Write(Of(batch.Writes.Select(
            static write => write.Kind == OrderedWriteKind.Put && write.Key.Span[0] == (byte)'H' ? write with { Value = KeyOnly(write.Value.Span) } : write)));

        // Behind the traits a pair begins with the tag and the length of its key.
        private static ReadOnlyMemory<byte> KeyOnly(ReadOnlySpan<byte> change) => (change[0] & Replaces) == 0
            ? change.ToArray()
            : (byte[])[(byte)(change[0] & ~Replaces), .. change.Slice(3, change[2])];
    }

    private sealed class SkipsTombstones(SimulatedStore store) : Passing(store)
    {
        private const byte Tombstone = 0x80;

        private int _tombstones;

        public override void Write(OrderedBatch batch) => Real.Write(Of(batch.Writes.Where(write =>
            write.Kind != OrderedWriteKind.Put || write.Key.Span[0] != (byte)'k' || (write.Value.Span[^1] & Tombstone) == 0 || ++_tombstones % 5 != 0)));
    }

    private sealed class LosesInSnapshot(SimulatedStore store, string keyspaces) : Passing(store)
    {
        public override IStateSnapshot TakeSnapshot()
        {
            var content = Real.Present.Clone();
            var batch = new OrderedBatch();
            foreach (var (key, _) in content.Content.Where(pair => keyspaces.Contains((char)pair.Key[0], StringComparison.Ordinal)))
                batch.Delete(key);
            content.Write(batch);
            return new SimulatedStore.Snapshot(content);
        }
    }

    private sealed class SkipsDeletions(SimulatedStore store) : Passing(store)
    {
        private int _batches;

        public override void Write(OrderedBatch batch) => Real.Write(
            ++_batches % 5 == 0 ? Of(batch.Writes.Where(static write => write.Kind != OrderedWriteKind.Delete)) : batch);
    }
}
