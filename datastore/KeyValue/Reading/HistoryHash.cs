using System.Buffers.Binary;
using System.Numerics;
using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>
/// A CRC-32C over every pair that was visible at some revision from the compacted to the hashed one, in the order of keys and
/// then of revisions, each with the revision that ended it if that is not after the hashed one. So it says the same of a
/// revision whether that revision is the current one or long past, and however far compaction has come on disk.
/// </summary>
internal static class HistoryHash
{
    public static uint Compute(IStateReader reader, long compacted, long revision, Action<int>? read = null)
    {
        var hash = new Crc32C();
        using var history = reader.OpenCursor();
        using var living = reader.OpenCursor();
        var historyStands = history.SeekAtOrAfter([KeyLayout.History]) && history.Key[0] == KeyLayout.History;
        var livingStands = living.SeekAtOrAfter([KeyLayout.Living]) && living.Key[0] == KeyLayout.Living;
        while (historyStands || livingStands)
        {
            // Of one key, history comes before the present.
            var takeHistory = historyStands && (!livingStands || CompareKeys(history.Value, living.Value) <= 0);
            if (takeHistory)
            {
                read?.Invoke(history.Value.Length);
                Add(ref hash, history.Value, KeyLayout.SupersededAt(history.Key), compacted, revision);
                historyStands = history.MoveNext() && history.Key[0] == KeyLayout.History;
            }
            else
            {
                read?.Invoke(living.Value.Length);
                Add(ref hash, living.Value, long.MaxValue, compacted, revision);
                livingStands = living.MoveNext() && living.Key[0] == KeyLayout.Living;
            }
        }
        return hash.Value;
    }

    private static void Add(ref Crc32C hash, ReadOnlySpan<byte> pair, long supersededAt, long compacted, long revision)
    {
        if (supersededAt <= compacted || new StoredPair(pair).ModRevision > revision) return;
        hash.Append(pair.Length);
        hash.Append(pair);
        hash.Append(supersededAt <= revision ? supersededAt : long.MaxValue);
    }

    private static int CompareKeys(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        new StoredPair(left).Key.SequenceCompareTo(new StoredPair(right).Key);

    /// <summary>The Castagnoli checksum, by the processor's own instruction where it has one.</summary>
    private struct Crc32C
    {
        private uint _register = uint.MaxValue;

        public Crc32C()
        {
        }

        public readonly uint Value => ~_register;

        public void Append(long number)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            Append(bytes);
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
                _register = BitOperations.Crc32C(_register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            foreach (var value in bytes) _register = BitOperations.Crc32C(_register, value);
        }
    }
}
