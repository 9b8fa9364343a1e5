using Raft.Consensus;
using Raft.KeyValue;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;

namespace Raft.Simulation.Tests.Checks;

/// <summary>
/// What one client wants to see, and what it was told: every change of its keys, in order, once, and no revision in parts, over
/// however many members and streams.
/// </summary>
/// <param name="name">Who watches.</param>
/// <param name="history">What happened.</param>
/// <param name="request">What is watched.</param>
internal sealed class CheckedWatch(string name, TrueHistory history, WatchCreateRequest request)
{
    private const string Rule = "Watch";

    // Nothing before it in the history is still wanted.
    private int _place;

    /// <summary>The first revision that it has not seen; 0: it begins whenever it is answered.</summary>
    public long Next { get; private set; }

    /// <summary>The member that it is at.</summary>
    public MemberId? Member { get; set; }

    /// <summary>There is nothing that it was not told of.</summary>
    public bool HasAll => Next > 0 && Missing() is null;

    /// <summary>Events that it was told of.</summary>
    public long Told { get; private set; }

    /// <summary>As it is sent, to go on where it is.</summary>
    public WatchCreateRequest ToRequest()
    {
        var again = request.Clone();
        again.StartRevision = Next;
        return again;
    }

    /// <summary>Wants to see everything from a revision on, again or for the first time.</summary>
    public void GoTo(long revision) => (Next, _place) = (revision, history.PlaceOf(revision));

    /// <summary>The watch is open. One that named no revision begins with the one after the answer's.</summary>
    public void IsCreated(WatchAnswer answer)
    {
        SafetyChecker.Holds(answer.Revision <= history.Revision, Rule, $"{name} is created at {answer.Revision}, which has not come yet", Member);
        if (Next == 0)
            GoTo(answer.Revision + 1);
    }

    /// <summary>The watch was ended because it asks for what is compacted; it goes on with what is not.</summary>
    public void IsCompacted(WatchAnswer answer)
    {
        SafetyChecker.Holds(
            Next < answer.CompactRevision && answer.CompactRevision <= history.CompactedRevision,
            Rule,
            $"{name}, which has seen all before {Next}, is told that {answer.CompactRevision} is compacted, and {history.CompactedRevision} is",
            Member);
        GoTo(answer.CompactRevision);
    }

    /// <summary>Events, or the notice that there are none.</summary>
    public void IsTold(WatchAnswer answer)
    {
        foreach (var told in WatchResponse.Parser.ParseFrom(answer.Events.SelectMany(static field => field.ToArray()).ToArray()).Events)
            IsTold(told);
        HasAllUpTo(answer.Revision);
    }

    /// <summary>It was told that nothing is still to come up to a revision.</summary>
    public void HasAllUpTo(long revision)
    {
        SafetyChecker.Holds(revision <= history.Revision, Rule, $"{name} is told of {revision}, which has not come yet", Member);
        SafetyChecker.Holds(
            Missing() is not { } missing || missing.Revision > revision,
            Rule,
            $"{name} was to have everything up to {revision}, but was not told of {Describe(Missing()?.ToMessage(withPrevious: false))}",
            Member);
        Next = Math.Max(Next, revision + 1);
    }

    private void IsTold(Event told)
    {
        var missing = Missing();
        var expected = missing?.ToMessage(withPrevious: true);
        SafetyChecker.Holds(
            expected is not null && told.Type == expected.Type && told.Kv.Equals(expected.Kv),
            Rule,
            $"{name} is told of {Describe(told)}, but next is {Describe(expected)}",
            Member);
        var isLeftOut = !request.PrevKv || expected.PrevKv is null || expected.Kv.ModRevision <= history.CompactedRevision;
        SafetyChecker.Holds(
            told.PrevKv is null ? isLeftOut : request.PrevKv && told.PrevKv.Equals(expected.PrevKv),
            Rule,
            $"{name} is told that {Describe(told)} came after {told.PrevKv}, but it was {expected.PrevKv}",
            Member);
        _place++;
        Told++;
    }

    /// <summary>The first event that it wants and was not told of.</summary>
    private StoreEvent? Missing()
    {
        for (; _place < history.Events.Count; _place++)
        {
            var change = history.Events[_place];
            if (change.Revision >= Next && IsWatched(change.Key) && !request.Filters.Contains(Filter(change.Type)))
                return change;
        }

        return null;
    }

    private bool IsWatched(ReadOnlySpan<byte> key) => request.RangeEnd.IsEmpty
        ? key.SequenceEqual(request.Key.Span)
        : key.SequenceCompareTo(request.Key.Span) >= 0 && (request.RangeEnd is [0] || key.SequenceCompareTo(request.RangeEnd.Span) < 0);

    private static WatchCreateRequest.Types.FilterType Filter(Event.Types.EventType type) =>
        type == Event.Types.EventType.Put ? WatchCreateRequest.Types.FilterType.Noput : WatchCreateRequest.Types.FilterType.Nodelete;

    private static string Describe(Event? change) =>
        change is null ? "nothing" : $"{change.Type} {change.Kv.Key.ToStringUtf8()}={change.Kv.Value.ToStringUtf8()} at {change.Kv.ModRevision}";
}
