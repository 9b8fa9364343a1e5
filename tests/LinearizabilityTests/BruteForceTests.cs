namespace Raft.Linearizability.Tests;

/// <summary>The checkers say of small random histories what the definition says.</summary>
public sealed class BruteForceTests
{
    private const int Histories = 20_000;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void The_search_agrees_where_answers_tell_no_revisions(bool unknownOutcomes, bool transactions)
    {
        var kind = new SmallHistories(HasRevisions: false, unknownOutcomes, transactions);
        var linearizable = 0;
        for (var seed = 0; seed < Histories; seed++)
        {
            var history = kind.Draw(new Random(seed));
            var expected = BruteForce.IsLinearizable(history);
            var verdict = LinearizabilityChecker.Check(history);

            Assert.True(verdict is Verdict.Holds == expected && verdict is not Verdict.Undecided, Describe(seed, history, expected, verdict));
            linearizable += expected ? 1 : 0;
        }
        Assert.InRange(linearizable, Histories / 5, Histories * 4 / 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Revisions_decide_where_every_outcome_is_known(bool transactions)
    {
        var kind = new SmallHistories(HasRevisions: true, HasUnknownOutcomes: false, transactions);
        var linearizable = 0;
        for (var seed = 0; seed < Histories; seed++)
        {
            var history = kind.Draw(new Random(seed));
            var expected = BruteForce.IsLinearizable(history);
            var verdict = RevisionChecker.Check(history);

            Assert.True(verdict is Verdict.Holds == expected, Describe(seed, history, expected, verdict));
            if (expected)
                Assert.True(LinearizabilityChecker.Check(history) is Verdict.Holds, Describe(seed, history, expected, verdict));
            linearizable += expected ? 1 : 0;
        }
        Assert.InRange(linearizable, Histories / 5, Histories * 4 / 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_revisions_and_unknown_outcomes_no_alarm_is_false_and_few_are_missing(bool transactions)
    {
        var kind = new SmallHistories(HasRevisions: true, HasUnknownOutcomes: true, transactions);
        var (broken, caught) = (0, 0);
        for (var seed = 0; seed < Histories; seed++)
        {
            var history = kind.Draw(new Random(seed));
            var expected = BruteForce.IsLinearizable(history);
            var verdict = RevisionChecker.Check(history) is Verdict.Broken by ? by : LinearizabilityChecker.Check(history);

            if (expected)
                Assert.True(verdict is Verdict.Holds, Describe(seed, history, expected, verdict));
            broken += expected ? 0 : 1;
            caught += !expected && verdict is Verdict.Broken ? 1 : 0;
        }
        Assert.InRange(broken, Histories / 5, Histories * 4 / 5);
        Assert.True(caught >= broken * 0.95, $"{caught} of {broken} broken histories were caught");
    }

    private static string Describe(int seed, IReadOnlyList<Operation> history, bool expected, Verdict verdict) =>
        $"seed {seed}: linearizable is {expected}, the checker says {verdict}\n{string.Join('\n', history)}";
}
