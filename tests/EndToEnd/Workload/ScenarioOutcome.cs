namespace Raft.EndToEnd.Tests.Workload;

/// <summary>A row of the table: what a client saw while something was done to its cluster.</summary>
internal sealed record ScenarioOutcome
{
    public required string Scenario { get; init; }

    public required int Members { get; init; }

    public required int LeadershipChanges { get; init; }

    public required TimeSpan LongestGap { get; init; }

    public required long FailedRequests { get; init; }

    public required long FailedWrites { get; init; }

    public required int Acknowledged { get; init; }

    /// <summary>Acknowledged writes that some member does not hold. The reason for this whole project is that it is 0.</summary>
    public required int Lost { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>What went against the store's promises, in words: lost writes, stale reads, unequal hashes.</summary>
    public required IReadOnlyList<string> Contradictions { get; init; }

    /// <summary>How often each kind of failed request was met.</summary>
    public required IReadOnlyDictionary<string, int> Failures { get; init; }
}
