using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Watching;

/// <summary>A change of the past that somebody wants to be told of.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Record">What keyspace H holds of it; see <see cref="StoredChange"/>.</param>
/// <param name="Watchers">Who wants it: places in a list.</param>
internal readonly record struct PastChange(ChangePosition Position, ReadOnlyMemory<byte> Record, Range Watchers)
{
    /// <summary>The version that it put; of a delete, none.</summary>
    public ReadOnlyMemory<byte> Version { get; init; }

    public ReadOnlySpan<byte> Key => new StoredChange(Record.Span).Key;

    public bool IsDelete => new StoredChange(Record.Span).IsDelete;

    /// <summary>The change as watchers see it.</summary>
    /// <param name="reader">The state.</param>
    /// <param name="compacted">The compacted revision: pairs that ended by then may be gone.</param>
    public StoreEvent ToEvent(IStateReader reader, long compacted) => IsDelete ? Deleted(reader, compacted) : Put(reader, compacted);

    private StoreEvent Deleted(IStateReader reader, long compacted)
    {
        var (revision, sub) = Position;
        var tombstone = new byte[StoredPair.EncodedLength(Key, 0, revision, 0, default, 0)];
        StoredPair.Encode(tombstone, Key, 0, revision, 0, default, 0);
        return new(Event.Types.EventType.Delete, revision, sub, tombstone, Before(reader, compacted));
    }

    private StoreEvent Put(IStateReader reader, long compacted)
    {
        var pair = StoredVersion.PairOf(Version);
        var isCreated = new StoredPair(pair.Span).CreateRevision == Position.Main;
        return new(Event.Types.EventType.Put, Position.Main, Position.Sub, pair, isCreated ? default : Before(reader, compacted));
    }

    /// <summary>
    /// The key's pair before this revision: what the change replaced, unless the revision had changed the key before. What etcd can no
    /// longer read is left out, though it may still be on disk.
    /// </summary>
    private ReadOnlyMemory<byte> Before(IStateReader reader, long compacted)
    {
        var revision = Position.Main;
        if (revision <= compacted) return default;
        return PairLookup.TryGetAsOf(reader, StoredChange.ReplacedBy(Record), ChangePosition.EndOf(revision - 1), out var version)
            && PairLookup.TryGetPair(version, out var pair) ? pair : default;
    }
}
