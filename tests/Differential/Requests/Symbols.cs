using System.Globalization;

namespace Raft.Differential.Tests.Requests;

/// <summary>
/// Numbers in a request that stand for something that is known only when it is sent, so that a sequence is plain data: it can
/// be drawn from a seed, shortened and sent again. They lie far from all numbers that mean themselves.
/// </summary>
internal static class Symbols
{
    /// <summary>The id that a member is known by on both sides; what else is an id of a member is made up.</summary>
    public const ulong OwnMember = Members;

    private const long Revisions = 1L << 60;
    private const long Leases = 1L << 61;
    private const ulong Members = 1UL << 62;
    private const long Reach = 1 << 20;

    /// <summary>The revision of the store before the request, plus an offset; never below 0.</summary>
    public static long Revision(long offset) => Revisions + offset;

    /// <summary>The n-th lease of the sequence whose id the server has chosen.</summary>
    public static long Lease(int number) => Leases + number;

    public static bool IsRevision(long value, out long offset) => IsNear(value, Revisions, out offset);

    public static bool IsLease(long value) => IsNear(value, Leases, out _);

    /// <summary>A number as a reader of a report wants to see it.</summary>
    public static string Text(object number) => number switch
    {
        long value when IsRevision(value, out var offset) => "now" + offset.ToString("+0;-0;''", CultureInfo.InvariantCulture),
        long value when IsNear(value, Leases, out var slot) => "lease#" + slot.ToString(CultureInfo.InvariantCulture),
        OwnMember => "own",
        _ => Convert.ToString(number, CultureInfo.InvariantCulture)!,
    };

    private static bool IsNear(long value, long symbol, out long offset)
    {
        offset = value - symbol;
        return Math.Abs(offset) <= Reach;
    }
}
