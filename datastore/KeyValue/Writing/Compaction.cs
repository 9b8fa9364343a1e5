using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;

namespace Raft.KeyValue.Writing;

/// <summary>
/// Removes from disk what no read can reach any more. It walks the changes before the compacted revision, a bounded number
/// at a time: each holds the version that it replaced, and knows of a tombstone and an index entry that it may have left. The living are
/// never touched.
/// The changes of the compacted revision itself stay until the next compaction, because a watch may still start there; so do their
/// tombstones, behind which a pair may hide that the same revision put.
/// </summary>
internal static class Compaction
{
    /// <summary>Handles up to a number of changes and gives back where to go on.</summary>
    public static ChangePosition Step(Overlay overlay, StoreState state, int maxChanges)
    {
        var obsolete = new List<byte[]>();
        var next = Collect(overlay, state, maxChanges, obsolete);
        foreach (var key in obsolete) overlay.Delete(key);
        return next;
    }

    private static ChangePosition Collect(Overlay overlay, StoreState state, int maxChanges, List<byte[]> obsolete)
    {
        using var cursor = overlay.OpenCursor();
        var handled = 0;
        for (var stands = cursor.SeekAtOrAfter(KeyLayout.ChangeKey(state.NextCompaction));
            stands && cursor.Key[0] == KeyLayout.Changes;
            stands = cursor.MoveNext())
        {
            var position = KeyLayout.PositionOf(cursor.Key);
            if (position.Main >= state.CompactedRevision) break;
            if (handled++ == maxChanges) return position;

            var change = new StoredChange(cursor.Value);
            if (change.IsDelete && IsNewest(overlay, change.Key, position)) obsolete.Add(KeyLayout.NewestKey(change.Key));
            if (change.IsIndexed) obsolete.Add(KeyLayout.IndexKey(change.Key, position));
            obsolete.Add(cursor.Key.ToArray());
        }
        return new ChangePosition(state.CompactedRevision, 0);
    }

    private static bool IsNewest(Overlay overlay, ReadOnlySpan<byte> key, ChangePosition position) =>
        PairLookup.TryGetNewestVersion(overlay, key, out var newest) && StoredVersion.PositionOf(newest.Span) == position;
}
