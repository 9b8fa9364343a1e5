using Raft.EndToEnd.Tests.Workload;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>What every scenario must show, and what only the gentle ones must.</summary>
internal static class ScenarioAssertions
{
    /// <summary>Whatever was done: every acknowledged write is on every member, and no read or revision contradicted another.</summary>
    public static ScenarioOutcome LostNothing(this ScenarioOutcome outcome)
    {
        Assert.Equal(0, outcome.Lost);
        Assert.Empty(outcome.Contradictions);
        Assert.True(outcome.Acknowledged > 0, "no write was acknowledged");
        return outcome;
    }

    /// <summary>A client that retries never had to give a write up.</summary>
    public static ScenarioOutcome FailedNoWrite(this ScenarioOutcome outcome)
    {
        Assert.Equal(0, outcome.FailedWrites);
        return outcome;
    }

    public static ScenarioOutcome ChangedLeaderAtMost(this ScenarioOutcome outcome, int times)
    {
        Assert.True(outcome.LeadershipChanges <= times, $"{outcome.LeadershipChanges} leadership changes, at most {times} allowed");
        return outcome;
    }

    public static ScenarioOutcome StoppedWritingLessThan(this ScenarioOutcome outcome, TimeSpan limit)
    {
        Assert.True(outcome.LongestGap < limit, $"no write was acknowledged for {outcome.LongestGap}, allowed: {limit}");
        return outcome;
    }
}
