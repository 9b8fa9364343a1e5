using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>Walks over the changes of the past, in order, as a view still shows them.</summary>
/// <param name="reader">The view's state.</param>
/// <param name="current">The view's revision.</param>
/// <param name="compacted">The view's compacted revision: pairs that ended by then may be gone.</param>
internal sealed class ChangeScan(IStateReader reader, long current, long compacted) : IDisposable
{
    private readonly IForwardCursor _cursor = reader.OpenCursor();

    /// <summary>Where the change stands.</summary>
    public ChangePosition Position => KeyLayout.PositionOf(_cursor.Key);

    /// <summary>The key that changed; valid until the next move.</summary>
    public ReadOnlySpan<byte> Key => KeyLayout.ChangedKeyOf(_cursor.Value);

    /// <summary>Moves to the first change of a revision, or of the next that has one.</summary>
    public bool Seek(long revision) =>
        _cursor.SeekAtOrAfter(KeyLayout.ChangeKey(new(Math.Max(0, revision), 0))) && _cursor.Key[0] == KeyLayout.Changes;

    public bool MoveNext() => _cursor.MoveNext() && _cursor.Key[0] == KeyLayout.Changes;

    /// <summary>The change as watchers see it.</summary>
    public StoreEvent ToEvent()
    {
        var (revision, sub) = Position;
        var kind = KeyLayout.ChangeKindOf(_cursor.Value);
        if (kind == ChangeKind.Delete)
        {
            var tombstone = new byte[StoredPair.EncodedLength(Key, 0, revision, 0, default, 0)];
            StoredPair.Encode(tombstone, Key, 0, revision, 0, default, 0);
            return new(Event.Types.EventType.Delete, revision, sub, tombstone, Previous(revision));
        }

        if (kind == ChangeKind.Fleeting)
        {
            var fleeting = KeyLayout.FleetingPairOf(_cursor.Value).ToArray();
            var isCreated = new StoredPair(fleeting).CreateRevision == revision;
            return new(Event.Types.EventType.Put, revision, sub, fleeting, isCreated ? default : Previous(revision));
        }

        if (!PairLookup.TryGetAt(reader, Key, revision, current, out var pair))
            throw new InvalidDataException($"The pair that revision {revision} put is missing.");
        return new(Event.Types.EventType.Put, revision, sub, pair, kind == ChangeKind.Update ? Previous(revision) : default);
    }

    public void Dispose() => _cursor.Dispose();

    /// <summary>What etcd can no longer read is left out, though it may still be on disk.</summary>
    private ReadOnlyMemory<byte> Previous(long revision) =>
        revision > compacted && reader.TryGet(KeyLayout.HistoryKey(Key, supersededAt: revision), out var previous) ? previous : default;
}
