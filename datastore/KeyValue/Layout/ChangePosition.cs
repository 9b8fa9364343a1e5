namespace Raft.KeyValue.Layout;

/// <summary>Where a change stands among all changes.</summary>
/// <param name="Main">Its revision, shared by all changes of one command.</param>
/// <param name="Sub">Its place inside the revision, from 0.</param>
internal readonly record struct ChangePosition(long Main, int Sub)
{
    /// <summary>The last that a revision could hold.</summary>
    public static ChangePosition EndOf(long revision) => new(revision, int.MaxValue);

    public bool IsAfter(ChangePosition other) => Main > other.Main || (Main == other.Main && Sub > other.Sub);

    /// <summary>The least that is after this one.</summary>
    public ChangePosition Next => Sub < int.MaxValue ? this with { Sub = Sub + 1 } : new(Main + 1, 0);
}
