using Raft.Linearizability;
using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Checks;

/// <summary>
/// Holds what watchers were told against each other and against the clients' history: each revision is told to every watcher, with
/// the same changes; they are those that its write was answered, or that a write of unknown outcome asked for.
/// </summary>
internal sealed class WatchChecker
{
    private readonly IReadOnlyList<WatchRecord> _records;
    private readonly long _first;
    private readonly long _last;

    /// <summary>Between two revisions, the first not included.</summary>
    public WatchChecker(IReadOnlyList<WatchRecord> records, long firstRevision, long lastRevision)
    {
        (_records, _first, _last) = (records, firstRevision, lastRevision);
        for (var revision = _first + 1; revision <= _last; revision++)
        {
            if (records.FirstOrDefault(record => record.At(revision).Count > 0) is { } record)
                Told.Add(revision, record.At(revision));
        }
    }

    /// <summary>What was told of each revision; of those that were compacted for all watchers there is nothing.</summary>
    public SortedDictionary<long, IReadOnlyList<Event>> Told { get; } = [];

    /// <summary>The first broken promise; null: none.</summary>
    /// <param name="history">The clients' operations.</param>
    /// <param name="leases">What was written under leases.</param>
    public string? Check(IReadOnlyList<Operation> history, LeaseBook leases) =>
        EachIsToldOfAll() ?? EachIsAsAnswered(history) ?? EachWasAskedFor(history, leases) ?? EachFollowsTheOneBefore();

    /// <summary>
    /// The revisions of leases as operations, so that the history accounts for every revision. What was compacted before any watcher
    /// saw it may have been such a one.
    /// </summary>
    public IEnumerable<Operation> OfLeases(IReadOnlyList<Operation> history)
    {
        var answered = Answered(history).Select(operation => operation.Response!.Revision).ToHashSet();
        for (var revision = _first + 1; revision <= _last; revision++)
        {
            if (answered.Contains(revision))
                continue;
            if (!Told.TryGetValue(revision, out var events))
                yield return new Operation(-1, 0, Request.Put(LeaseBook.Prefix, $"{revision}"));
            else if (events.All(told => LeaseBook.IsUnderLease(Key(told))))
                yield return Operation.Answered(-1, 0, long.MaxValue, new Request([], [.. events.Select(AsStep)], []), new Response(true, revision, [.. events.Select(_ => new StepResult(null, 1))]));
        }
    }

    private string? EachIsToldOfAll()
    {
        foreach (var record in _records)
        {
            for (var revision = _first + 1; revision <= _last; revision++)
            {
                var told = record.At(revision);
                if (told.Count == 0 && record.IsCompacted(revision))
                    continue;
                var others = Told.GetValueOrDefault(revision, []);
                if (told.Count == 0 || !told.Select(WithoutPrevious).ToHashSet().SetEquals(others.Select(WithoutPrevious)))
                    return $"{record.Name} was told of revision {revision}: {WatchRecord.Describe(told)}; others: {WatchRecord.Describe(others)}";
            }
        }
        return null;
    }

    private string? EachIsAsAnswered(IReadOnlyList<Operation> history)
    {
        foreach (var operation in Answered(history))
        {
            if (!Told.TryGetValue(operation.Response!.Revision, out var told))
                continue;
            var written = operation.Request.Branch(operation.Response.Succeeded).Zip(operation.Response.Results)
                .Where(part => part.First is Step.Put || (part.First is Step.Delete && part.Second.Deleted > 0)).Select(part => part.First).ToHashSet();
            if (!written.SetEquals(told.Select(AsStep)))
                return $"watchers were told of revision {operation.Response.Revision}: {WatchRecord.Describe(told)}, but it was\n  {operation}";
        }
        return null;
    }

    private string? EachWasAskedFor(IReadOnlyList<Operation> history, LeaseBook leases)
    {
        var steps = history.SelectMany(operation => operation.Request.Then.Concat(operation.Request.Else)).Where(step => step is not Step.Get).ToHashSet();
        var stranger = Told.Values.SelectMany(events => events).FirstOrDefault(told => LeaseBook.IsUnderLease(Key(told)) ? !leases.Explains(told) : !steps.Contains(AsStep(told)));
        return stranger is null ? null : $"watchers were told of a change that nobody asked for: {WatchRecord.Describe([stranger])}, lease {stranger.Kv.Lease:x}";
    }

    /// <summary>Versions count the puts of a key's life, and the previous pair is the one that was told before.</summary>
    private string? EachFollowsTheOneBefore()
    {
        var latest = new Dictionary<string, Event>();
        var whole = _first;
        foreach (var (revision, events) in Told)
        {
            if (revision != whole + 1)
                latest.Clear(); // Compacted for all.
            whole = revision;
            foreach (var told in events)
            {
                if (latest.TryGetValue(Key(told), out var before) && !Follows(told, before))
                    return $"{WatchRecord.Describe([told])}, created at {told.Kv.CreateRevision}, was told after {WatchRecord.Describe([before])}";
                foreach (var previous in _records.SelectMany(record => record.At(revision)).Where(other => Key(other) == Key(told)).Select(other => other.PrevKv))
                {
                    if (before is not null && previous is not null && (before.Type == Event.Types.EventType.Delete || !previous.Equals(before.Kv)))
                        return $"{WatchRecord.Describe([told])} was told to have replaced {previous}, but that was {WatchRecord.Describe([before])}";
                }
                latest[Key(told)] = told;
            }
        }
        return null;
    }

    private static bool Follows(Event told, Event before) => (told.Type, before.Type) switch
    {
        (Event.Types.EventType.Delete, _) => before.Type == Event.Types.EventType.Put,
        (_, Event.Types.EventType.Delete) => told.Kv.Version == 1 && told.Kv.CreateRevision == told.Kv.ModRevision,
        _ => told.Kv.Version == before.Kv.Version + 1 && told.Kv.CreateRevision == before.Kv.CreateRevision,
    };

    private IEnumerable<Operation> Answered(IEnumerable<Operation> history) => history.Where(operation =>
        operation.Response is { } response && response.Revision > _first && response.Revision <= _last && response.Wrote(operation.Request));

    private static Step AsStep(Event told) => told.Type == Event.Types.EventType.Put ? new Step.Put(Key(told), told.Kv.Value.ToStringUtf8()) : new Step.Delete(Key(told));

    private static string Key(Event told) => told.Kv.Key.ToStringUtf8();

    private static Event WithoutPrevious(Event told) => new() { Type = told.Type, Kv = told.Kv };
}
