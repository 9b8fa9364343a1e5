namespace Raft.Linearizability;

/// <summary>
/// Replays a history in the order of its revisions: what a read at a revision saw is what the writes up to it left, and what a
/// comparison decided is what they make of it.
/// </summary>
internal sealed class RevisionReplay
{
    private readonly IReadOnlyList<Operation> _answered;
    private readonly List<Operation> _unknown;
    private readonly long _firstRevision;
    private readonly Dictionary<string, KeyHistory> _keys = [];
    private readonly HashSet<long> _accounted = [];
    private readonly Dictionary<long, HashSet<Operation>> _witnessed = [];
    private long[] _accountedSorted = [];

    public RevisionReplay(IReadOnlyList<Operation> history, IReadOnlyList<Operation> answered, long firstRevision)
    {
        _firstRevision = firstRevision;
        _answered = [.. answered.OrderBy(operation => operation.Response!.Revision).ThenBy(operation => !operation.Response!.Wrote(operation.Request))];
        _unknown = [.. history.Where(operation => operation.Response is null or { Revision: 0 } && !operation.Request.IsSerializable)];
        foreach (var key in history.SelectMany(operation => operation.Request.Keys).Distinct())
            _keys.Add(key, new KeyHistory(firstRevision));
        foreach (var operation in _unknown)
        {
            foreach (var step in operation.Request.Then.Concat(operation.Request.Else))
                _keys[step.Key].Unknown.Add((operation, step));
        }
    }

    /// <summary>Null if every answer is explained.</summary>
    public Verdict.Broken? Check()
    {
        foreach (var operation in _answered)
            Account(operation);
        foreach (var operation in _answered)
        {
            if (AccountForWhatWasSeen(operation) is { } broken)
                return broken;
        }
        _accountedSorted = [.. _accounted.Order()];
        foreach (var key in _keys.Values)
            key.CountVersions(Unaccounted);
        foreach (var operation in _answered)
        {
            if (Explain(operation) is { } broken)
                return broken;
        }
        return null;
    }

    private void Account(Operation operation)
    {
        var response = operation.Response!;
        if (!response.Wrote(operation.Request))
            return;
        _accounted.Add(response.Revision);
        foreach (var (step, result) in operation.Request.Branch(response.Succeeded).Zip(response.Results))
        {
            if (step is Step.Put put)
                _keys[step.Key].Add(new KeyChange(response.Revision, put.Value, operation));
            else if (step is Step.Delete && result.Deleted > 0)
                _keys[step.Key].Add(new KeyChange(response.Revision, null, operation));
        }
    }

    /// <summary>A read that saw the effect of a write of unknown outcome tells its revision, and there it is one for all.</summary>
    private Verdict.Broken? AccountForWhatWasSeen(Operation operation)
    {
        foreach (var (step, result) in operation.Request.Branch(operation.Response!.Succeeded).Zip(operation.Response.Results))
        {
            if (result.Seen is not { Value: { } value, ModRevision: { } revision })
                continue;
            if (revision > operation.Response.Revision)
                return RevisionOrder.Broken("A read sees no later revision than its own", $"{step.Key} was changed at {revision} and read at {operation.Response.Revision}", operation);
            if (_accounted.Contains(revision) && !_witnessed.ContainsKey(revision))
            {
                if (_keys[step.Key].At(revision) is var change && (change.Revision != revision || change.Value != value))
                    return RevisionOrder.Broken("A read sees what was written", $"at {revision} {step.Key}={value} was not written", operation);
            }
            else if (Witness(step.Key, value, revision, operation) is { } broken)
            {
                return broken;
            }
        }
        return null;
    }

    private Verdict.Broken? Witness(string name, string value, long revision, Operation reader)
    {
        var key = _keys[name];
        var writers = key.Unknown
            .Where(entry => entry.Step is Step.Put put && put.Value == value && entry.Operation.Invoked <= reader.Returned)
            .Select(entry => entry.Operation).ToHashSet();
        var isNew = key.At(revision).Revision != revision;
        if (writers.Count > 0 && isNew && key.Witnessed(value) >= writers.Count)
        {
            return RevisionOrder.Broken(
                "A write takes effect at most once", $"{name}={value} was written at more revisions than there were writes of it, {revision} among them", reader);
        }
        if (_witnessed.TryGetValue(revision, out var others))
            writers.IntersectWith(others);
        if (writers.Count == 0 || (!isNew && key.At(revision).Value != value))
            return RevisionOrder.Broken("A read sees what was written", $"nobody wrote {name}={value} at {revision}", reader);
        _witnessed[revision] = writers;
        if (isNew)
            key.Add(new KeyChange(revision, value, null));
        // A transaction may have changed other keys too at this revision, which nobody has told of.
        if (writers.All(writer => writer.Request.Keys.Count() == 1))
            _accounted.Add(revision);
        return null;
    }

    private Verdict.Broken? Explain(Operation operation)
    {
        var (request, response) = (operation.Request, operation.Response!);
        var moment = response.Revision - (response.Wrote(request) ? 1 : 0);
        bool? succeeds = true;
        foreach (var comparison in request.If)
        {
            var holds = Holds(comparison, moment, operation);
            succeeds = holds is false || succeeds is false ? false : holds is null ? null : succeeds;
        }
        if (succeeds is { } known && known != response.Succeeded)
            return RevisionOrder.Broken("A comparison decides by what is there", $"at {moment} {string.Join(" and ", request.If)} was {(known ? "true" : "false")}", operation);

        var changed = new Dictionary<string, KeyChange>();
        foreach (var (step, result) in request.Branch(response.Succeeded).Zip(response.Results))
        {
            var own = changed.TryGetValue(step.Key, out var change);
            var expected = own ? change! : _keys[step.Key].At(moment);
            var isCertain = own || !MayBeHidden(step.Key, expected, moment, operation.Returned);
            if (result.Seen is { } seen && !Explains(expected, isCertain, seen, step.Key, operation))
                return RevisionOrder.Broken("A read sees the state at its revision", $"at {moment} {step.Key} was {Describe(expected)}", Concerned(expected, operation));
            if (step is Step.Delete && isCertain && (expected.Value is not null) != (result.Deleted > 0))
                return RevisionOrder.Broken("A delete counts what was there", $"at {moment} {step.Key} was {Describe(expected)}", Concerned(expected, operation));
            if (step is Step.Put put)
                changed[step.Key] = new KeyChange(response.Revision, put.Value, operation) { Version = isCertain && expected.Version is { } version ? version + 1 : null };
            else if (step is Step.Delete)
                changed[step.Key] = new KeyChange(response.Revision, null, operation) { Version = 0 };
        }
        return null;
    }

    private bool? Holds(Comparison comparison, long moment, Operation operation)
    {
        var there = _keys[comparison.Key].At(moment);
        if (MayBeHidden(comparison.Key, there, moment, operation.Returned))
            return null;
        return comparison switch
        {
            Comparison.Value value => there.Value == value.Expected,
            Comparison.ModRevision mod => (there.Value is null ? 0 : there.Revision) == mod.Expected,
            Comparison.Version version => there.Version is { } known ? known == version.Expected : null,
            _ => throw new ArgumentException($"An unknown comparison: {comparison}.", nameof(comparison)),
        };
    }

    /// <summary>What was seen of a write of unknown outcome is accounted for by now, so that only what has no revision can be hidden.</summary>
    private bool Explains(KeyChange expected, bool isCertain, Observation seen, string key, Operation operation)
    {
        if (seen.Value == expected.Value && (seen.Value is null || (seen.ModRevision ?? expected.Revision) == expected.Revision))
            return seen.Value is null || seen.Version is null || expected.Version is null || seen.Version == expected.Version;
        return !isCertain && seen.ModRevision is null or 0 && _keys[key].Unknown.Any(entry =>
            entry.Operation.Invoked <= operation.Returned && (entry.Step is Step.Put put ? put.Value == seen.Value : entry.Step is Step.Delete && seen.Value is null));
    }

    /// <summary>Whether a write of unknown outcome may have changed a key since what is known of it.</summary>
    private bool MayBeHidden(string key, KeyChange since, long moment, long until) =>
        Unaccounted(since.Revision, moment) > 0
        && _keys[key].Unknown.Any(entry => entry.Step is not Step.Get && entry.Operation.Invoked <= until);

    /// <summary>How many revisions after the one and up to the other belong to nothing that is known.</summary>
    private long Unaccounted(long after, long upTo) => upTo - after - (Count(upTo) - Count(after));

    private int Count(long upTo)
    {
        var place = Array.BinarySearch(_accountedSorted, Math.Max(upTo, _firstRevision));
        return place >= 0 ? place + 1 : ~place;
    }

    private static Operation[] Concerned(KeyChange expected, Operation operation) => expected.By is { } writer && writer != operation ? [writer, operation] : [operation];

    private static string Describe(KeyChange change) => change.Value is null ? "absent" : $"{change.Value} v{change.Version?.ToString() ?? "?"}, last changed at {change.Revision}";
}
