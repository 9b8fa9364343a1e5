namespace Raft.Linearizability;

/// <summary>
/// Looks for an order of one partition's operations that explains every answer: the search of Wing and Gong (1993) with the
/// memory of configurations that were already in vain of Lowe (2017), over the list of calls and returns that Porcupine uses.
/// </summary>
/// <remarks>
/// What keeps it near linear: where answers tell revisions, only the writes of unknown outcome are left to be placed by trying; an
/// operation that is explained and changes nothing is taken at once, since it can only be in the way later; and of operations with
/// unknown outcomes that nobody could tell apart, only the earliest is tried.
/// </remarks>
internal sealed class OrderSearch
{
    private const int ReportedMax = 12;

    private readonly Partition _partition;
    private readonly IReadOnlyList<Operation> _operations;
    private readonly StoreModel _model;
    private readonly EventList _events;
    private readonly int[] _ranks;
    private readonly int[] _twins;
    private readonly RevisionPlaces _places;
    private readonly bool[] _placed;
    private readonly Stack<Frame> _frames = new();
    private readonly List<Choice> _choices = [];
    private readonly HashSet<UInt128> _visited = [];
    private readonly int _configurationsMax;

    private UInt128 _placedHash;
    private KeyState[] _state;
    private Impasse? _furthest;

    public OrderSearch(Partition partition, int configurationsMax)
    {
        _partition = partition;
        _operations = partition.Operations;
        _configurationsMax = configurationsMax;
        _model = new StoreModel(partition);
        _events = new EventList(_operations);
        _ranks = LikelyOrder.Ranks(_operations);
        _twins = EarlierTwins();
        _places = new RevisionPlaces(_partition);
        _placed = new bool[_operations.Count];
        _state = _model.Initial;
    }

    public Verdict Run()
    {
        var open = Open();
        while (_events.FirstReturn is not null)
        {
            if (open.Next < _choices.Count)
            {
                var choice = _choices[open.Next++];
                var after = _model.Apply(_state, _operations[choice.Operation], choice.Succeeded);
                if (after is null || !_visited.Add(_placedHash ^ Fingerprint.Of(choice.Operation) ^ Fingerprint.Of(after)))
                    continue;
                if (_visited.Count > _configurationsMax)
                    return new Verdict.Undecided($"no order of the operations on {string.Join(", ", _partition.Keys)} in {_configurationsMax} configurations");
                _frames.Push(open with { Placed = choice.Operation, Before = _state });
                Place(choice.Operation);
                _state = after;
                open = Open();
            }
            else if (_frames.TryPop(out var before))
            {
                _choices.RemoveRange(open.First, _choices.Count - open.First);
                open = before;
                _state = before.Before;
                TakeBack(before.Placed);
            }
            else
            {
                return new Verdict.Broken(Report());
            }
        }
        return new Verdict.Holds();
    }

    /// <summary>Notes which operations may come next: those that were invoked before the first answer that is still to be explained.</summary>
    private Frame Open()
    {
        var first = _choices.Count;
        foreach (var operation in _events.CallsBeforeFirstReturn())
        {
            if (_operations[operation] is { Response: { } response, Request: var request } known)
            {
                if (!_places.IsNext(operation))
                    continue;
                if (!response.Wrote(request) && _model.Apply(_state, known, response.Succeeded) is { } after && after.AsSpan().SequenceEqual(_state))
                {
                    _choices.RemoveRange(first, _choices.Count - first);
                    _choices.Add(new Choice(operation, response.Succeeded));
                    break;
                }
                _choices.Add(new Choice(operation, response.Succeeded));
            }
            else if (_twins[operation] < 0 || _placed[_twins[operation]])
            {
                foreach (var succeeded in new[] { true, false })
                {
                    if (_operations[operation].Request.Branch(succeeded) is { IsEmpty: false } steps && !_places.IsBarred(steps))
                        _choices.Add(new Choice(operation, succeeded));
                }
            }
        }
        _choices.Sort(first, _choices.Count - first, Comparer<Choice>.Create((one, other) => _ranks[one.Operation].CompareTo(_ranks[other.Operation])));
        Remember();
        return new Frame(first, first, -1, _state);
    }

    private void Place(int operation)
    {
        _placed[operation] = true;
        _placedHash ^= Fingerprint.Of(operation);
        _events.Remove(operation);
        _places.Advance(operation);
    }

    private void TakeBack(int operation)
    {
        _placed[operation] = false;
        _placedHash ^= Fingerprint.Of(operation);
        _events.PutBack(operation);
        _places.StepBack(operation);
    }

    /// <summary>For each operation of unknown outcome the one before it, in time, that nobody could tell from it; else -1.</summary>
    private int[] EarlierTwins()
    {
        var twins = new int[_operations.Count];
        var last = new Dictionary<string, int>();
        Array.Fill(twins, -1);
        foreach (var operation in Enumerable.Range(0, _operations.Count).Where(i => _operations[i].Response is null).OrderBy(i => _operations[i].Invoked))
        {
            var signature = _model.Signature(_operations[operation].Request);
            twins[operation] = last.GetValueOrDefault(signature, -1);
            last[signature] = operation;
        }
        return twins;
    }

    /// <summary>The answer that the search got stuck at the latest is the end of the shortest prefix that no order explains.</summary>
    private void Remember()
    {
        if (_events.FirstReturn is { } blocked && (_furthest is not { } furthest || _events.ReturnsBefore(furthest.Blocked, blocked)))
            _furthest = new Impasse(blocked, _state, [.. _frames.Take(ReportedMax).Select(frame => frame.Placed)], [.. _events.CallsBeforeFirstReturn().Take(ReportedMax)]);
    }

    private Violation Report()
    {
        var (blocked, state, before, pending) = _furthest!;
        var until = _operations[blocked].Returned;
        var shown = before.Concat(pending).Append(blocked).Distinct().Select(operation => _operations[operation]).OrderBy(operation => operation.Invoked);
        return new Violation(
            "Linearizability",
            _partition.Keys,
            $"no order explains the {_operations.Count(operation => operation.Invoked <= until)} operations until {until}. "
                + $"The longest one that was found ends where {_model.Describe(state)}, and cannot go on with what client {_operations[blocked].Client} "
                + $"was told at {until}. The operations around it:",
            [.. shown]);
    }

    /// <summary>A node on the way that is being tried: its choices, from <see cref="First"/> on, and what was placed there.</summary>
    private record struct Frame(int First, int Next, int Placed, KeyState[] Before);

    private readonly record struct Choice(int Operation, bool Succeeded);

    private sealed record Impasse(int Blocked, KeyState[] State, IReadOnlyList<int> Before, IReadOnlyList<int> Pending);
}
