using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>
/// A checksum of every pair that was visible at some revision from the compacted to the hashed one, each with the revision that ended it if
/// that is not after the hashed one. So it says the same of a revision whether that revision is the current one or long past, and however
/// far compaction has come on disk. It is a sum, because the same pair lies among the newest in one store and in the past of another:
/// two walks, one over each, need no order between them.
/// </summary>
internal static class HistoryHash
{
    public static uint Compute(IStateReader reader, long compacted, long revision, Action<int>? read = null)
    {
        var sum = 0UL;
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter([KeyLayout.Newest]); stands && cursor.Key[0] == KeyLayout.Newest; stands = cursor.MoveNext())
        {
            read?.Invoke(cursor.Value.Length);
            sum += HashOf(cursor.Value, long.MaxValue, revision);
        }

        var first = KeyLayout.ChangeKey(new(Math.Max(0, compacted + 1), 0));
        for (var stands = cursor.SeekAtOrAfter(first); stands && cursor.Key[0] == KeyLayout.Changes; stands = cursor.MoveNext())
        {
            read?.Invoke(cursor.Value.Length);
            sum += HashOf(new StoredChange(cursor.Value).Replaced, KeyLayout.PositionOf(cursor.Key).Main, revision);
        }
        return (uint)(sum ^ (sum >> 32));
    }

    /// <summary>Zero of what is no pair, and of pairs that nobody could see: put after the hashed revision, or replaced in their own.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> version, long supersededAt, long revision)
    {
        if (!StoredVersion.IsLiving(version)) return 0;
        var pair = StoredVersion.PairOf(version);
        var from = new StoredPair(pair).ModRevision;
        if (from > revision || from == supersededAt) return 0;
        var checksum = new Crc32C();
        checksum.Append(pair);
        checksum.Append(supersededAt <= revision ? supersededAt : long.MaxValue);
        return Spread(checksum.Value);
    }

    /// <summary>Lets every bit of a checksum count in all of the sum (the finalizer of SplitMix64, Steele, Lea and Flood 2014).</summary>
    private static ulong Spread(ulong checksum)
    {
        checksum += 0x9E3779B97F4A7C15;
        checksum = (checksum ^ (checksum >> 30)) * 0xBF58476D1CE4E5B9;
        checksum = (checksum ^ (checksum >> 27)) * 0x94D049BB133111EB;
        return checksum ^ (checksum >> 31);
    }
}
