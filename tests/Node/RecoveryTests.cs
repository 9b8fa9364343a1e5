using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node.Tests;

public sealed class RecoveryTests
{
    private const int IndexMax = 4;
    private const int TermMax = 3;

    /// <summary>Every log of up to four indices and three terms with every applied entry: exactly one case holds.</summary>
    [Fact]
    public void Exactly_one_case_holds_for_whatever_is_found()
    {
        var seen = new HashSet<string>();
        foreach (var log in Logs())
        {
            foreach (var applied in Entries().Prepend(EntryId.Zero))
            {
                var matching = Match(log, applied);
                seen.Add(matching.Label);
                AssertSound(matching, log, applied);
            }
        }

        Assert.Equal(Recovery.Cases.Select(candidate => candidate.Label).Order(), seen.Order());
    }

    [Theory]
    [InlineData("blank", 0, 0, "", 0, 0)]
    [InlineData("log without state", 0, 0, "1", 0, 0)]
    [InlineData("compacted log without state", 3, 1, "", 0, 0)]
    [InlineData("state alone", 0, 0, "", 1, 1)]
    [InlineData("state behind the log", 3, 1, "1", 2, 1)]
    [InlineData("state of another log", 3, 1, "1", 3, 2)]
    [InlineData("log holds the state's last entry", 1, 1, "1,2,2", 3, 2)]
    [InlineData("log holds the state's last entry", 3, 1, "", 3, 1)]
    [InlineData("snapshot over a log that differs", 1, 1, "1,1,1", 3, 2)]
    [InlineData("snapshot beyond the log", 1, 1, "1", 5, 1)]
    public void Each_case_is_told_by_an_example(string label, int baseIndex, int baseTerm, string terms, int applied, int appliedTerm)
    {
        var log = Log(Id(baseTerm, baseIndex), [.. terms.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]);
        Assert.Equal(label, Match(log, Id(appliedTerm, applied)).Label);
    }

    [Fact]
    public void A_refusal_says_what_is_wrong_and_what_to_do()
    {
        var log = Log(Id(1, 3), [1]);
        var error = Assert.Throws<InvariantViolationException>(
            () => Recovery.Combine(log, new AppliedRecord(Id(1, 2), new Configuration([new MemberId(1)], []))));
        Assert.Contains("older copy", error.Message, StringComparison.Ordinal);
        Assert.Contains("add it again", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Beginning_anew_after_a_snapshot_keeps_the_vote_of_the_term_and_never_goes_back_in_terms()
    {
        var applied = new AppliedRecord(Id(3, 9), new Configuration([new MemberId(1)], []));
        var voted = new HardState(new Term(3), new MemberId(2), new LogIndex(1));
        var plan = Recovery.Combine(new RecoveredLog(voted, Id(1, 1), []), applied);
        Assert.True(plan.MustResetLog);
        Assert.Equal(new MemberId(2), plan.State.HardState.Vote);

        var older = Recovery.Combine(new RecoveredLog(voted with { Term = new Term(2) }, Id(1, 1), []), applied);
        Assert.Equal(new HardState(new Term(3), MemberId.None, new LogIndex(9)), older.State.HardState);
    }

    private static void AssertSound(Recovery.Case matching, RecoveredLog log, EntryId applied)
    {
        var needsGoneEntries = applied.Index < log.Base.Index;
        if (needsGoneEntries)
        {
            Assert.Equal(Recovery.Outcome.Refuse, matching.Outcome);
        }

        if (matching.Outcome == Recovery.Outcome.GoOn)
        {
            var isInLog = applied == log.Base || log.Entries.Any(entry => entry.Id == applied);
            Assert.True(isInLog, $"the log goes on from {applied}");
        }

        if (matching.Outcome == Recovery.Outcome.ResetLog)
        {
            Assert.NotEqual(EntryId.Zero, applied);
            Assert.DoesNotContain(log.Entries, entry => entry.Id == applied);
        }
    }

    private static Recovery.Case Match(RecoveredLog log, EntryId applied)
    {
        var last = log.Entries.Count > 0 ? log.Entries[^1].Id : log.Base;
        var there = applied.Index == log.Base.Index ? log.Base.Term : log.Entries.FirstOrDefault(entry => entry.Id.Index == applied.Index)?.Id.Term;
        return Recovery.Match(new Recovery.Found(log.Base, last, applied, there));
    }

    private static IEnumerable<EntryId> Entries() =>
        from index in Enumerable.Range(1, IndexMax) from term in Enumerable.Range(1, TermMax) select Id(term, index);

    private static IEnumerable<RecoveredLog> Logs() =>
        from first in Entries().Prepend(EntryId.Zero)
        from length in Enumerable.Range(0, IndexMax - (int)first.Index.Value + 1)
        from terms in RisingTerms(Math.Max(1, (int)first.Term.Value), length)
        select Log(first, terms);

    private static int[][] RisingTerms(int lowest, int length) =>
        length == 0
            ? [[]]
            : [.. Enumerable.Range(lowest, TermMax - lowest + 1)
                .SelectMany(term => RisingTerms(term, length - 1).Select(rest => rest.Prepend(term).ToArray()))];

    private static RecoveredLog Log(EntryId @base, int[] terms) => new(
        new HardState(new Term((ulong)terms.LastOrDefault((int)@base.Term.Value)), MemberId.None, default),
        @base,
        [.. terms.Select((term, i) => new LogEntry(Id(term, (int)@base.Index.Value + 1 + i), EntryKind.Command, default))]);

    private static EntryId Id(int term, int index) => new(new Term((ulong)term), new LogIndex((ulong)index));
}
