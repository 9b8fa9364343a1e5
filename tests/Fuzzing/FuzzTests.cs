namespace Raft.Fuzzing.Tests;

/// <summary>
/// Nothing that comes from outside may crash a member, hang it, make it use memory without bound, or pass for what it is not.
/// Every input that ever failed is tried again, and then some thousands of mutated ones.
/// </summary>
public sealed class FuzzTests
{
    [Theory]
    [InlineData("log", 1500)]
    [InlineData("snapshot", 150)]
    [InlineData("peer", 2000)]
    [InlineData("request", 1500)]
    [InlineData("record", 4000)]
    [InlineData("gateway", 1500)]
    [InlineData("restore", 300)]
    [InlineData("token", 2000)]
    [InlineData("metadata", 4000)]
    public void Whatever_the_bytes_say_they_are_taken_or_refused(string name, int inputs)
    {
        var target = FuzzCommand.Targets.Single(target => target.Name == name);
        var fuzzer = new Fuzzer(target, seed: 1);

        var failures = fuzzer.Run(count => count < inputs);

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Select(failure => failure.Finding)));
        Assert.True(fuzzer.Outcomes.Values.Sum() > inputs, "the corpus is empty");
        // Mutation that never gets through, or never breaks anything, tests nothing.
        Assert.Contains("taken", fuzzer.Outcomes.Keys);
        Assert.Contains(fuzzer.Outcomes.Keys, outcome => outcome.StartsWith("refused", StringComparison.Ordinal));
    }
}
