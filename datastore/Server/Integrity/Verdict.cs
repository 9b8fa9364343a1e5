namespace Raft.Server.Integrity;

/// <summary>Another member's hash beside this one's, of the same.</summary>
/// <param name="Member">The other member.</param>
/// <param name="Point">What both hashes are of.</param>
/// <param name="Theirs">The other member's hash.</param>
/// <param name="Own">This member's hash.</param>
internal readonly record struct Comparison(ulong Member, HashPoint Point, uint Theirs, uint Own)
{
    public bool IsEqual => Theirs == Own;
}

/// <summary>What follows from hashes. Two members that have applied the same log hold the same; if they do not, one of them is broken.</summary>
internal static class Verdict
{
    /// <summary>The alarm's member when nobody knows which one is broken, as in etcd: the whole cluster.</summary>
    public const ulong Anyone = 0;

    /// <summary>
    /// May a member serve that has compared itself with others? Not if as many differ from it as agree with it, itself
    /// included: it may be the broken one. In the majority it is not, and staying away would only cost the cluster a good member.
    /// </summary>
    public static bool MayServe(IReadOnlyList<Comparison> comparisons)
    {
        var differ = comparisons.Count(comparison => !comparison.IsEqual);
        return differ == 0 || differ < 1 + comparisons.Count - differ;
    }

    /// <summary>
    /// Who is broken: all but the majority of those that answered, if more than half hold the same; else <see cref="Anyone"/>.
    /// </summary>
    /// <param name="self">The member that compares.</param>
    /// <param name="comparisons">The others that answered.</param>
    /// <returns>In the order of their ids; empty: all hold the same.</returns>
    public static IReadOnlyList<ulong> Culprits(ulong self, IReadOnlyList<Comparison> comparisons)
    {
        if (comparisons.All(comparison => comparison.IsEqual))
        {
            return [];
        }

        // Whoever is equal to this member, at whatever point, is of its kind; of the others, those with the same hash of the same.
        List<ulong> own = [self, .. comparisons.Where(comparison => comparison.IsEqual).Select(comparison => comparison.Member)];
        var others = comparisons.Where(comparison => !comparison.IsEqual)
            .GroupBy(comparison => (comparison.Point, comparison.Theirs), comparison => comparison.Member)
            .Select(kind => kind.ToList());
        var majority = others.Prepend(own).FirstOrDefault(kind => 2 * kind.Count > 1 + comparisons.Count);
        return majority is null
            ? [Anyone]
            : [.. comparisons.Select(comparison => comparison.Member).Append(self).Except(majority).Order()];
    }

    /// <summary>Whether a member says of itself what cannot be, whatever its hash is.</summary>
    /// <param name="before">This member's state before the other was asked.</param>
    /// <param name="after">This member's state once it had applied all that was committed when the other's answer was here.</param>
    /// <param name="theirs">The other's state.</param>
    /// <param name="isCurrent">Whether the other had applied all that was committed when it was asked.</param>
    public static bool IsImpossible(HashPoint before, HashPoint after, HashPoint theirs, bool isCurrent) =>
        theirs.Revision > after.Revision
        || theirs.CompactedRevision > after.CompactedRevision
        || (isCurrent && (theirs.Revision < before.Revision || theirs.CompactedRevision < before.CompactedRevision));
}
