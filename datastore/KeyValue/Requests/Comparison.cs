using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.Compare.Types;

namespace Raft.KeyValue.Requests;

/// <summary>
/// A transaction's guards. All must hold; over a range, for every key. A key that does not exist compares as zeros, but its
/// value compares as nothing: every such comparison is false.
/// </summary>
internal static class Comparison
{
    public static bool AllHold(IStateReader reader, IEnumerable<Compare> compares)
    {
        foreach (var compare in compares)
            if (!Holds(reader, compare)) return false;
        return true;
    }

    private static bool Holds(IStateReader reader, Compare compare)
    {
        var range = new KeyRange(compare.Key, compare.RangeEnd);
        if (range.IsOneKey)
        {
            return PairLookup.TryGetNewest(reader, range.First, out var pair)
                ? Holds(compare, new StoredPair(pair.Span))
                : HoldsForNone(compare);
        }
        if (range.IsEmpty) return HoldsForNone(compare);

        using var scan = new PresentScan(reader, range);
        if (!scan.MoveNext()) return HoldsForNone(compare);
        do
        {
            if (!Holds(compare, new StoredPair(scan.Pair))) return false;
        }
        while (scan.MoveNext());
        return true;
    }

    private static bool HoldsForNone(Compare compare) => compare.Target != CompareTarget.Value && Holds(compare, default);

    private static bool Holds(Compare compare, StoredPair pair)
    {
        var order = compare.Target switch
        {
            CompareTarget.Version => pair.Version.CompareTo(compare.Version),
            CompareTarget.Create => pair.CreateRevision.CompareTo(compare.CreateRevision),
            CompareTarget.Mod => pair.ModRevision.CompareTo(compare.ModRevision),
            CompareTarget.Value => pair.Value.SequenceCompareTo(compare.Value.Span),
            CompareTarget.Lease => pair.Lease.CompareTo(compare.Lease),
            _ => 0,
        };
        return compare.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.NotEqual => order != 0,
            CompareResult.Greater => order > 0,
            CompareResult.Less => order < 0,
            _ => true,
        };
    }
}
