using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>Walks over the changes of the past, in order, as a view still shows them.</summary>
/// <param name="reader">The view's state.</param>
/// <param name="compacted">The view's compacted revision: pairs that ended by then may be gone.</param>
internal sealed class ChangeScan(IStateReader reader, long compacted) : IDisposable
{
    private readonly IForwardCursor _cursor = reader.OpenCursor();

    /// <summary>Where the change stands.</summary>
    public ChangePosition Position => KeyLayout.PositionOf(_cursor.Key);

    /// <summary>The key that changed; valid until the next move.</summary>
    public ReadOnlySpan<byte> Key => new StoredChange(_cursor.Value).Key;

    /// <summary>Moves to the first change of a revision, or of the next that has one.</summary>
    public bool Seek(long revision) =>
        _cursor.SeekAtOrAfter(KeyLayout.ChangeKey(new(Math.Max(0, revision), 0))) && _cursor.Key[0] == KeyLayout.Changes;

    public bool MoveNext() => _cursor.MoveNext() && _cursor.Key[0] == KeyLayout.Changes;

    /// <summary>The change as watchers see it.</summary>
    public StoreEvent ToEvent()
    {
        var change = new StoredChange(_cursor.Value);
        return change.IsDelete ? Deleted() : Put();
    }

    public void Dispose() => _cursor.Dispose();

    private StoreEvent Deleted()
    {
        var (revision, sub) = Position;
        var tombstone = new byte[StoredPair.EncodedLength(Key, 0, revision, 0, default, 0)];
        StoredPair.Encode(tombstone, Key, 0, revision, 0, default, 0);
        return new(Event.Types.EventType.Delete, revision, sub, tombstone, Before());
    }

    /// <summary>The change knows what it replaced. What it put, the key's next change knows, or it is still the newest.</summary>
    private StoreEvent Put()
    {
        var position = Position;
        if (!PairLookup.TryGetNewestVersion(reader, Key, out var newest)
            || !PairLookup.TryGetAsOf(reader, newest, position, out var version)
            || StoredVersion.PositionOf(version.Span) != position)
            throw new InvalidDataException($"The pair that revision {position.Main} put is missing.");
        var pair = StoredVersion.PairOf(version);
        var isCreated = new StoredPair(pair.Span).CreateRevision == position.Main;
        return new(Event.Types.EventType.Put, position.Main, position.Sub, pair, isCreated ? default : Before());
    }

    /// <summary>The key's pair before this revision. What etcd can no longer read is left out, though it may still be on disk.</summary>
    private ReadOnlyMemory<byte> Before()
    {
        var revision = Position.Main;
        if (revision <= compacted) return default;
        ReadOnlyMemory<byte> replaced = new StoredChange(_cursor.Value).Replaced.ToArray();
        return PairLookup.TryGetAsOf(reader, replaced, ChangePosition.EndOf(revision - 1), out var version)
            && PairLookup.TryGetPair(version, out var pair) ? pair : default;
    }
}
