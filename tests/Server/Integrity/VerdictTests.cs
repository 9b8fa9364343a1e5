using Raft.Server.Integrity;

namespace Raft.Server.Tests.Integrity;

/// <summary>What follows from hashes: this member is 1, its hash 10.</summary>
public sealed class VerdictTests
{
    private const uint Own = 10;

    private static readonly HashPoint Point = new(20, 5);

    [Theory]
    [InlineData("all hold the same", new uint[] { 10, 10 })]
    [InlineData("nobody answered", new uint[] { })]
    [InlineData("the one that differs", new uint[] { 10, 11 }, 3ul)]
    [InlineData("the leader itself", new uint[] { 11, 11 }, 1ul)]
    [InlineData("nobody knows, of two", new uint[] { 11 }, 0ul)]
    [InlineData("nobody knows, of three", new uint[] { 11, 12 }, 0ul)]
    [InlineData("nobody knows, two and two", new uint[] { 10, 11, 11 }, 0ul)]
    [InlineData("two of five", new uint[] { 10, 11, 10, 12 }, 3ul, 5ul)]
    [InlineData("the leader and another of five", new uint[] { 11, 11, 12, 11 }, 1ul, 4ul)]
    public void All_but_the_majority_are_broken(string why, uint[] theirs, params ulong[] culprits) =>
        Assert.True(Verdict.Culprits(1, Compared(theirs)).SequenceEqual(culprits), why);

    [Fact]
    public void Hashes_of_different_revisions_are_not_taken_for_the_same()
    {
        Comparison[] comparisons = [new(2, Point, 11, Own), new(3, Point with { Revision = 19 }, 11, 9)];
        Assert.Equal([Verdict.Anyone], Verdict.Culprits(1, comparisons));
        // Equal to this member at whatever point is equal.
        comparisons = [new(2, Point, Own, Own), new(3, Point with { Revision = 19 }, 9, 9), new(4, Point, 11, Own)];
        Assert.Equal([4ul], Verdict.Culprits(1, comparisons));
    }

    [Theory]
    [InlineData(true, new uint[] { })]
    [InlineData(true, new uint[] { 10, 10 })]
    [InlineData(true, new uint[] { 10, 11 })]
    [InlineData(true, new uint[] { 10, 10, 11, 11 })]
    [InlineData(false, new uint[] { 11 })]
    [InlineData(false, new uint[] { 11, 11 })]
    [InlineData(false, new uint[] { 11, 12 })]
    [InlineData(false, new uint[] { 10, 11, 11 })]
    public void Who_is_not_in_the_majority_does_not_serve(bool serves, uint[] theirs) => Assert.Equal(serves, Verdict.MayServe(Compared(theirs)));

    [Theory]
    [InlineData("as it was asked", 20, 5, true, false)]
    [InlineData("as it is now", 25, 8, true, false)]
    [InlineData("it lags", 15, 3, false, false)]
    [InlineData("it lags, but said that it does not", 15, 5, true, true)]
    [InlineData("it missed a compaction", 20, 3, true, true)]
    [InlineData("it knows what was never committed", 26, 5, true, true)]
    [InlineData("it has compacted what nobody asked for", 20, 9, false, true)]
    public void A_member_cannot_be_ahead_of_what_is_committed_nor_behind_what_it_has_applied(
        string why, long revision, long compacted, bool isCurrent, bool isImpossible) =>
        Assert.True(isImpossible == Verdict.IsImpossible(Point, new(25, 8), new(revision, compacted), isCurrent), why);

    [Fact]
    public void What_two_can_compare_is_what_both_can_read()
    {
        Assert.Equal(new(15, 7), new HashPoint(15, 5).And(new(20, 7)));
        Assert.False(new HashPoint(15, -1).And(new(20, 15)).IsEmpty);
        Assert.True(new HashPoint(15, -1).And(new(20, 16)).IsEmpty);
    }

    private static Comparison[] Compared(uint[] theirs) => [.. theirs.Select((hash, i) => new Comparison((ulong)i + 2, Point, hash, Own))];
}
