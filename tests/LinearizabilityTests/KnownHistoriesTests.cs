namespace Raft.Linearizability.Tests;

/// <summary>Histories of which everyone knows what to think.</summary>
public sealed class KnownHistoriesTests
{
    private readonly List<Operation> _history = [];

    [Fact]
    public void One_after_the_other_is_linearizable()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.Get("k"), Got("a", 1, 2, at: 2));
        Did(4, 5, Request.CompareAndSwap("k", "a", "b"), Response.Swapped(3));
        Did(6, 7, Request.Delete("k"), Response.Deleted(true, 4));
        Did(8, 9, Request.Get("k"), Response.Got(Observation.Absent, 4));
        Holds();
    }

    [Fact]
    public void Two_reads_during_a_write_may_see_before_and_after()
    {
        Did(0, 10, Request.Put("k", "a"), Response.Put(2));
        Did(1, 4, Request.Get("k"), Response.Got(Observation.Absent, 1));
        Did(5, 9, Request.Get("k"), Got("a", 1, 2, at: 2));
        Holds();
    }

    [Fact]
    public void Operations_that_touch_in_time_overlap()
    {
        Did(0, 5, Request.Put("k", "a"), Response.Put(2));
        Did(5, 9, Request.Get("k"), Response.Got(Observation.Absent, 1));
        Holds();
    }

    [Fact]
    public void A_write_of_unknown_outcome_may_take_effect_late_or_never()
    {
        Asked(0, Request.Put("k", "a"));
        Asked(0, Request.Put("k", "never"));
        Did(1, 2, Request.Put("k", "b"), Response.Put(2));
        Did(3, 4, Request.Get("k"), Got("b", 1, 2, at: 2));
        Did(5, 6, Request.Get("k"), Got("a", 2, 3, at: 3));
        Holds();
    }

    [Fact]
    public void A_stale_read_is_found()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.Put("k", "b"), Response.Put(3));
        Did(4, 5, Request.Get("k"), Got("a", 1, 2, at: 2));
        BreaksBoth();
    }

    [Fact]
    public void A_lost_write_is_found()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.Get("k"), Response.Got(Observation.Absent, 2));
        BreaksBoth();
    }

    [Fact]
    public void A_write_that_took_effect_twice_is_found_by_the_version()
    {
        Did(0, 5, Request.Put("k", "a"), Response.Put(2));
        Did(6, 7, Request.Get("k"), Got("a", 2, 3, at: 3));
        BreaksBoth();
    }

    [Fact]
    public void A_write_that_took_effect_twice_is_found_by_what_came_in_between()
    {
        Did(0, 9, Request.Put("k", "a"), Response.Put(2));
        Did(1, 2, Request.Get("k"), Got("a"));
        Did(3, 4, Request.Put("k", "b"), Response.Put());
        Did(5, 6, Request.Get("k"), Got("b"));
        Did(7, 8, Request.Get("k"), Got("a"));
        Breaks(LinearizabilityChecker.Check(_history), "Linearizability");
    }

    [Fact]
    public void A_write_that_took_effect_twice_is_found_by_a_revision_that_is_nobodys()
    {
        Did(0, 5, Request.Put("k", "a"), Response.Put(2));
        Did(6, 7, Request.Put("other", "b"), Response.Put(4));
        Breaks(RevisionChecker.Check(_history), "Each revision has its write");
    }

    [Fact]
    public void A_write_of_unknown_outcome_that_took_effect_twice_is_found()
    {
        Asked(0, Request.Put("k", "a"));
        Asked(0, Request.Put("other", "b"));
        Did(1, 2, Request.Get("k"), Got("a", 1, 2, at: 2));
        Did(3, 4, Request.Get("k"), Got("a", 2, 3, at: 3));
        Breaks(LinearizabilityChecker.Check(_history), "Linearizability");
        Breaks(RevisionChecker.Check(_history), "A write takes effect at most once");
    }

    [Fact]
    public void A_value_that_was_never_written_is_found()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Asked(2, Request.Put("k", "b"));
        Did(3, 4, Request.Get("k"), Got("c", 2, 3, at: 3));
        Breaks(LinearizabilityChecker.Check(_history), "Linearizability");
        Breaks(RevisionChecker.Check(_history), "A read sees what was written");
    }

    [Fact]
    public void A_value_read_before_it_was_written_is_found()
    {
        Did(0, 1, Request.Get("k"), Got("a", 1, 2, at: 2));
        Did(2, 3, Request.Put("k", "a"), Response.Put(2));
        BreaksBoth();
    }

    [Fact]
    public void A_failed_swap_that_took_effect_is_found()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.CompareAndSwap("k", "x", "b"), Response.NotSwapped(new Observation("a", 1, 2), 2));
        Did(4, 5, Request.Get("k"), Got("b", 2, 3, at: 3));
        BreaksBoth();
    }

    [Fact]
    public void A_swap_that_failed_although_it_compared_right_is_found()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.CompareAndSwap("k", 2, "b"), Response.NotSwapped(new Observation("a", 1, 2), 2));
        BreaksBoth();
    }

    [Fact]
    public void Of_two_swaps_of_one_value_only_one_succeeds()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 5, Request.CompareAndSwap("k", "a", "b"), Response.Swapped(3));
        Did(2, 5, Request.CompareAndSwap("k", "a", "c"), Response.Swapped(4));
        BreaksBoth();
    }

    [Fact]
    public void Two_clients_that_see_two_writes_in_different_orders_are_found()
    {
        Did(0, 9, Request.Put("k", "a"), Response.Put());
        Did(0, 9, Request.Put("k", "b"), Response.Put());
        Did(1, 2, Request.Get("k"), Got("a"));
        Did(3, 4, Request.Get("k"), Got("b"));
        Did(5, 6, Request.Get("k"), Got("a"));
        Breaks(LinearizabilityChecker.Check(_history), "Linearizability");
    }

    [Fact]
    public void A_revision_that_goes_back_on_another_key_is_found()
    {
        Did(0, 1, Request.Put("a", "x"), Response.Put(2));
        Did(0, 1, Request.Put("b", "x"), Response.Put(3));
        Did(2, 3, Request.Get("a"), Got("x", 1, 2, at: 2));
        Breaks(RevisionChecker.Check(_history), "Revisions do not go back");
    }

    [Fact]
    public void A_revision_that_two_writes_got_is_found()
    {
        Did(0, 5, Request.Put("a", "x"), Response.Put(2));
        Did(0, 5, Request.Put("b", "x"), Response.Put(2));
        Breaks(RevisionChecker.Check(_history), "Each write has a revision of its own");
    }

    [Fact]
    public void A_write_that_gets_a_revision_that_was_seen_before_is_found()
    {
        Asked(0, Request.Put("a", "x"));
        Did(1, 2, Request.Get("a"), Response.Got(Observation.Absent, 2));
        Did(3, 4, Request.Put("b", "x"), Response.Put(2));
        Breaks(RevisionChecker.Check(_history), "A write gets a later revision");
    }

    [Fact]
    public void A_transaction_that_is_seen_in_part_is_found()
    {
        Did(0, 9, new Request([], [new Step.Put("a", "x"), new Step.Put("b", "x")], []), new Response(true, 2, [new(null), new(null)]));
        Did(1, 2, Request.Get("b"), Got("x", 1, 2, at: 2));
        Did(3, 4, Request.Get("a"), Response.Got(Observation.Absent, 2));
        BreaksBoth();
    }

    [Fact]
    public void A_serializable_read_may_be_stale_but_not_untrue()
    {
        var read = Request.Get("k") with { IsSerializable = true };
        Did(0, 1, Request.Put("k", "a"), Response.Put(2));
        Did(2, 3, Request.Put("k", "b"), Response.Put(3));
        Did(4, 5, read, Got("a", 1, 2, at: 2));
        Holds();

        Did(6, 7, read, Got("a", 1, 2, at: 3));
        Breaks(RevisionChecker.Check(_history), "A read sees the state at its revision");
    }

    [Fact]
    public void A_serializable_read_may_be_of_a_time_before_the_history()
    {
        Did(0, 1, Request.Put("k", "a"), Response.Put(102));
        Did(2, 3, Request.Get("k") with { IsSerializable = true }, Response.Got(Observation.Absent, 1));

        Assert.IsType<Verdict.Holds>(RevisionChecker.Check(_history, firstRevision: 101));
    }

    [Fact]
    public void A_violation_is_told_with_its_key_its_end_and_the_operations_around_it()
    {
        for (var i = 0; i < 50; i++)
            Did(10 * i, (10 * i) + 5, Request.Put("k", $"v{i}"), Response.Put());
        Did(502, 507, Request.Get("k"), Got("v48"));
        Did(600, 601, Request.Get("other"), Response.Got(Observation.Absent));

        var violation = Assert.IsType<Verdict.Broken>(LinearizabilityChecker.Check(_history)).Violation;

        Assert.Equal(["k"], violation.Keys);
        Assert.Contains("the 51 operations until 507", violation.Explanation, StringComparison.Ordinal);
        Assert.Contains(_history[48], violation.Operations);
        Assert.Contains(_history[49], violation.Operations);
        Assert.Equal(_history[50], violation.Operations[^1]);
        Assert.InRange(violation.Operations.Count, 3, 20);
        Assert.Contains("[502 .. 507] client 0: get k -> ok, saw v48", violation.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_that_is_given_up_is_no_pass()
    {
        for (var i = 0; i < 12; i++)
            Did(0, 100, Request.Put("k", $"v{i}"), Response.Put());
        for (var i = 0; i < 12; i++)
            Did(0, 100, Request.Get("k"), Got($"v{i}"));
        Did(101, 102, Request.Get("k"), Got("nobody's"));

        Assert.IsType<Verdict.Undecided>(LinearizabilityChecker.Check(_history, configurationsMax: 100));
    }

    [Fact]
    public void The_recorder_keeps_what_was_asked_until_it_is_answered_or_known_to_be_in_vain()
    {
        var recorder = new History();
        var answered = recorder.Invoke(1, Request.Put("k", "a"), 10);
        recorder.Invoke(2, Request.Put("k", "b"), 5);
        var refused = recorder.Invoke(3, Request.Put("k", "c"), 7);
        recorder.Return(answered, Response.Put(2), 12);
        recorder.Forget(refused);

        Assert.Equal(
            [new Operation(2, 5, Request.Put("k", "b")).ToString(), Operation.Answered(1, 10, 12, Request.Put("k", "a"), Response.Put(2)).ToString()],
            recorder.Operations.Select(operation => operation.ToString()));
    }

    private static Response Got(string value, long? version = null, long? mod = null, long at = 0) => Response.Got(new Observation(value, version, mod), at);

    private void Did(long invoked, long returned, Request request, Response response) => _history.Add(Operation.Answered(0, invoked, returned, request, response));

    private void Asked(long invoked, Request request) => _history.Add(new Operation(0, invoked, request));

    private void Holds()
    {
        Assert.IsType<Verdict.Holds>(LinearizabilityChecker.Check(_history));
        Assert.IsType<Verdict.Holds>(RevisionChecker.Check(_history));
    }

    private void BreaksBoth()
    {
        Breaks(LinearizabilityChecker.Check(_history), "Linearizability");
        Assert.IsType<Verdict.Broken>(RevisionChecker.Check(_history));
    }

    private static void Breaks(Verdict verdict, string rule) => Assert.Equal(rule, Assert.IsType<Verdict.Broken>(verdict).Violation.Rule);
}
