using Raft.Consensus;
using Raft.InMemory;
using Raft.KeyValue;

namespace Raft.Simulation.Tests.Checks;

/// <summary>
/// One number for all of the replicated state: what clients can read, and what members and client sessions keep beside it.
/// How far a member has removed compacted versions from its disk is its own affair and does not count.
/// </summary>
internal static class StateHash
{
    private static ReadOnlySpan<byte> LocalProgressOrVersions => "kHim"u8;

    public static ulong Of(InMemoryOrderedStore content)
    {
        using var view = new KeyValueStore(content).OpenView();
        var hash = (ulong)view.Revision;
        hash = Fnv.Mix(hash, view.HashKv(0).Response!.Hash);
        foreach (var (key, value) in content.Content)
        {
            if (LocalProgressOrVersions.Contains(key[0]))
                continue;
            hash = Fnv.Mix(Fnv.Mix(hash, key), value);
        }

        return hash;
    }

    public static ulong Of(LogEntry entry) =>
        Fnv.Mix(Fnv.Mix(Fnv.Mix(Fnv.Mix(0, entry.Id.Term.Value), entry.Id.Index.Value), (ulong)entry.Kind), entry.Data.Span);
}

/// <summary>FNV-1a, 64 bits (Fowler, Noll, Vo): the same on every machine.</summary>
internal static class Fnv
{
    public const ulong Offset = 14695981039346656037;

    private const ulong Prime = 1099511628211;

    public static ulong Mix(ulong hash, ulong value) =>
        (System.Numerics.BitOperations.RotateLeft(hash, 23) ^ value) * 0x9FB21C651E98DF25;

    public static ulong Mix(ulong hash, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
            hash = (hash ^ value) * Prime;
        return hash;
    }
}
