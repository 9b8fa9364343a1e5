using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>Finds one key's pair.</summary>
internal static class PairLookup
{
    private const int StackLimit = 256;

    /// <summary>The newest pair of a key: one point lookup. False: the key does not exist.</summary>
    public static bool TryGetNewest(IStateReader reader, ReadOnlySpan<byte> userKey, out ReadOnlyMemory<byte> pair)
    {
        var length = KeyLayout.LivingLength(userKey);
        var key = length <= StackLimit ? stackalloc byte[length] : new byte[length];
        KeyLayout.WriteLiving(key, userKey);
        return reader.TryGet(key, out pair);
    }

    /// <summary>The pair of a key as it is at a revision that is not compacted; a second lookup only for the past.</summary>
    public static bool TryGetAt(
        IStateReader reader, ReadOnlySpan<byte> userKey, long revision, long current, out ReadOnlyMemory<byte> pair)
    {
        var exists = TryGetNewest(reader, userKey, out pair);
        if (revision == current) return exists;
        if (exists && new StoredPair(pair.Span).ModRevision <= revision) return true;
        return TryGetPast(reader, userKey, revision, out pair);
    }

    private static bool TryGetPast(IStateReader reader, ReadOnlySpan<byte> userKey, long revision, out ReadOnlyMemory<byte> pair)
    {
        pair = default;
        using var cursor = reader.OpenCursor();
        if (!cursor.SeekAtOrAfter(KeyLayout.HistoryKey(userKey, revision + 1)) || cursor.Key[0] != KeyLayout.History) return false;
        var candidate = new StoredPair(cursor.Value);
        if (!candidate.Key.SequenceEqual(userKey) || candidate.ModRevision > revision) return false;
        pair = cursor.Value.ToArray();
        return true;
    }
}
