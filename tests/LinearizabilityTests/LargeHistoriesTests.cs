using System.Diagnostics;

namespace Raft.Linearizability.Tests;

/// <summary>Long histories are judged, and right, within a time that one likes to wait. The times are printed, not asserted.</summary>
public sealed class LargeHistoriesTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1_000, true)]
    [InlineData(1_000, false)]
    [InlineData(10, true)]
    public void A_hundred_thousand_operations_are_found_to_be_linearizable(int keys, bool revisions)
    {
        var history = new LargeHistories(100_000, Clients: 20, keys, UnknownShare: 0.01, revisions).Draw(seed: 1);

        Assert.IsType<Verdict.Holds>(Timed("search", () => LinearizabilityChecker.Check(history)));
        Assert.IsType<Verdict.Holds>(Timed("revisions", () => RevisionChecker.Check(history)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_wrong_answer_in_a_hundred_thousand_is_found(bool revisions)
    {
        var random = new Random(3);
        var history = new LargeHistories(100_000, Clients: 20, Keys: 1_000, UnknownShare: 0.01, revisions).Draw(seed: 3).ToList();
        for (var i = 0; i < 5; i++)
        {
            var reads = Enumerable.Range(0, history.Count).Where(i => history[i] is { Request.Then: [Step.Get], Response.Results: [{ Seen.Value: not null }] }).ToList();
            var place = reads[random.Next(reads.Count)];
            var read = history[place];
            var seen = read.Response!.Results[0].Seen!.Value;
            history[place] = read with { Response = read.Response with { Results = [new StepResult(seen with { Version = seen.Version + 1 })] } };
            var broken = Assert.IsType<Verdict.Broken>(Timed("search", () => LinearizabilityChecker.Check(history)));
            Assert.Contains(read.Request.Then[0].Key, broken.Violation.Keys);

            history[place] = read with { Response = read.Response with { Results = [new StepResult(seen with { Value = "nobody's" })] } };
            Assert.Equal(revisions, Timed("revisions", () => RevisionChecker.Check(history)) is Verdict.Broken);
            history[place] = read;
        }
    }

    private Verdict Timed(string checker, Func<Verdict> check)
    {
        var watch = Stopwatch.StartNew();
        var verdict = check();
        output.WriteLine($"{checker}: {watch.Elapsed.TotalSeconds:F2} s");
        return verdict;
    }
}
