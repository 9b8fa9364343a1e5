using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Writing;

/// <summary>
/// Removes from disk what no read can reach any more. It walks the changes up to the compacted revision, a bounded number
/// at a time: each names exactly the one history entry that it ended. The living are never touched.
/// The changes of the compacted revision itself stay until the next compaction, because a watch may still start there.
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
            if (position.Main > state.CompactedRevision) break;
            if (handled++ == maxChanges) return position;

            if (KeyLayout.ChangeKindOf(cursor.Value) is ChangeKind.Update or ChangeKind.Delete)
                obsolete.Add(KeyLayout.HistoryKey(KeyLayout.ChangedKeyOf(cursor.Value), supersededAt: position.Main));
            if (position.Main < state.CompactedRevision) obsolete.Add(cursor.Key.ToArray());
        }
        return new ChangePosition(state.CompactedRevision + 1, 0);
    }
}
