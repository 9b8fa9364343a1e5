namespace Raft.Node;

/// <summary>
/// The rules on which the promises about leases rest, as small functions: the simulator breaks one at a time, to prove that it
/// would notice. Everything else uses <see cref="Standard"/>.
/// </summary>
public class LeaseRules
{
    /// <summary>As they should be.</summary>
    public static LeaseRules Standard { get; } = new();

    /// <summary>
    /// Whether a leader asks its quorum before it answers about the time of a lease: without, one that was deposed promises time
    /// that its successor does not know of.
    /// </summary>
    public virtual bool AsksQuorum => true;

    /// <summary>
    /// When a lease ends, in ticks, that a new leader finds: it gets its full time anew (etcd's lessor, <c>Promote</c>), for it may
    /// have been kept alive by the leaders in between.
    /// </summary>
    /// <param name="known">When it would have ended by what this member knew when it last led; 0: it knew nothing.</param>
    /// <param name="full">The end of the full time from now on.</param>
    public virtual long DueAnew(long known, long full) => full;

    /// <summary>Whether a lease may be kept alive whose end has come, and may be on its way through the log.</summary>
    public virtual bool MayRevive => false;
}
