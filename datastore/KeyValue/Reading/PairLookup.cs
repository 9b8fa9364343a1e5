using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>Finds one key's pair.</summary>
internal static class PairLookup
{
    private const int StackLimit = 256;

    /// <summary>The newest pair of a key: one point lookup. False: the key does not exist.</summary>
    public static bool TryGetNewest(IStateReader reader, ReadOnlySpan<byte> userKey, out ReadOnlyMemory<byte> pair) =>
        TryGetNewestVersion(reader, userKey, out var version) & TryGetPair(version, out pair);

    /// <summary>The newest version of a key, which may be a tombstone. False: there is none.</summary>
    public static bool TryGetNewestVersion(IStateReader reader, ReadOnlySpan<byte> userKey, out ReadOnlyMemory<byte> version)
    {
        var length = KeyLayout.NewestLength(userKey);
        var key = length <= StackLimit ? stackalloc byte[length] : new byte[length];
        KeyLayout.WriteNewest(key, userKey);
        return reader.TryGet(key, out version);
    }

    /// <summary>The pair of a key as it is at a revision that is not compacted; further lookups only for the past.</summary>
    public static bool TryGetAt(IStateReader reader, ReadOnlySpan<byte> userKey, long revision, out ReadOnlyMemory<byte> pair)
    {
        pair = default;
        return TryGetNewestVersion(reader, userKey, out var newest)
            && TryGetAsOf(reader, newest, ChangePosition.EndOf(revision), out var version)
            && TryGetPair(version, out pair);
    }

    /// <summary>
    /// The version of a key as a change left it, or the last before that change: goes back from the newest step by step and, when that
    /// takes long, on from the next change that is indexed. At most two times <see cref="StoredVersion.IndexInterval"/> steps.
    /// </summary>
    /// <param name="reader">The state.</param>
    /// <param name="newest">The key's newest version.</param>
    /// <param name="change">In a revision that is not compacted.</param>
    /// <param name="version">What was found; it may be a tombstone.</param>
    /// <returns>False: the key had no version yet, or none that compaction has left.</returns>
    /// <exception cref="InvalidDataException">A link of the chain is missing.</exception>
    public static bool TryGetAsOf(
        IStateReader reader, ReadOnlyMemory<byte> newest, ChangePosition change, out ReadOnlyMemory<byte> version)
    {
        version = newest;
        for (var steps = 0; !version.IsEmpty; steps++)
        {
            var position = StoredVersion.PositionOf(version.Span);
            if (!position.IsAfter(change)) return true;
            if (steps == StoredVersion.IndexInterval && FindIndexedAfter(reader, newest, change) is { } indexed) position = indexed;
            if (!reader.TryGet(KeyLayout.ChangeKey(position), out var record))
                throw new InvalidDataException($"The change that is number {position.Sub} of revision {position.Main} is missing.");
            version = StoredChange.ReplacedBy(record);
        }
        return false;
    }

    /// <summary>The pair of a version. False: it is a tombstone, or none.</summary>
    public static bool TryGetPair(ReadOnlyMemory<byte> version, out ReadOnlyMemory<byte> pair)
    {
        var isLiving = StoredVersion.IsLiving(version.Span);
        pair = isLiving ? StoredVersion.PairOf(version) : default;
        return isLiving;
    }

    private static ChangePosition? FindIndexedAfter(IStateReader reader, ReadOnlyMemory<byte> newest, ChangePosition change)
    {
        var userKey = new StoredPair(StoredVersion.PairOf(newest.Span)).Key;
        var from = KeyLayout.IndexKey(userKey, change.Next);
        var end = KeyLayout.IndexKey(userKey, ChangePosition.EndOf(long.MaxValue));
        using var cursor = reader.OpenCursor();
        return cursor.SeekAtOrAfter(from) && cursor.Key.SequenceCompareTo(end) < 0 ? KeyLayout.PositionOf(cursor.Key) : null;
    }
}
