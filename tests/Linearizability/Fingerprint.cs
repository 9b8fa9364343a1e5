namespace Raft.Linearizability;

/// <summary>
/// 128 bits for a set of operations (Zobrist: the exclusive or of its members' bits) or a state. Two configurations of a search
/// have the same with a chance of one in 10^24 for ten million of them, so that the configurations themselves need no room.
/// </summary>
internal static class Fingerprint
{
    private const ulong Odd = 0x9E3779B97F4A7C15;

    public static UInt128 Of(int operation) => Mix(0, (ulong)operation + 1);

    public static UInt128 Of(KeyState[] state)
    {
        var all = Mix(1, 0);
        foreach (var key in state)
        {
            all = Mix(all, (ulong)key.Value);
            all = Mix(all, (ulong)key.Version);
            all = Mix(all, ((ulong)key.ModRevision << 1) | (key.IsModRevisionKnown ? 1u : 0u));
        }
        return all;
    }

    private static UInt128 Mix(UInt128 seed, ulong value)
    {
        var low = Scramble((ulong)seed + (value * Odd) + Odd);
        var high = Scramble((ulong)(seed >> 64) ^ low ^ (value + Odd));
        return new UInt128(high, Scramble(low + high));
    }

    /// <summary>The finalizer of SplitMix64 (Steele, Lea, Flood 2014).</summary>
    private static ulong Scramble(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
