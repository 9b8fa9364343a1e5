using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests;

/// <summary>What members say of themselves and of each other.</summary>
public sealed class MemberReportTests
{
    [Theory]
    [InlineData("memberID:17 alarm:CORRUPT ", true)]
    [InlineData("memberID:170 alarm:CORRUPT ", false)]
    [InlineData("memberID:5 alarm:CORRUPT ", false)]
    [InlineData("memberID:17 alarm:NOSPACE ", false)]
    [InlineData("alarm:CORRUPT ", true)]
    public void An_alarm_is_held_against_the_member_that_it_names(string error, bool isHeld)
    {
        var report = new MemberReport(Leader: new MemberId(5), Term: 1, CommitIndex: 9, AppliedIndex: 9, Errors: [error]);

        Assert.Equal(isHeld, report.IsCorrupt(new MemberId(17)));
    }

    [Fact]
    public void A_member_without_complaints_is_not_corrupt() =>
        Assert.False(new MemberReport(Leader: null, Term: 1, CommitIndex: 9, AppliedIndex: 9).IsCorrupt(new MemberId(17)));
}
