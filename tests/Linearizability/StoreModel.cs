namespace Raft.Linearizability;

/// <summary>
/// A key in the model. Its revision may be unknown, after a write whose answer never came; then <see cref="ModRevision"/> is the last
/// one known, which the real one is above.
/// </summary>
internal readonly record struct KeyState(int Value, long Version, long ModRevision, bool IsModRevisionKnown)
{
    /// <summary>Stands for all values that no answer and no comparison mentions: they are all alike, so that fewer states differ.</summary>
    public const int Unobserved = 0;

    private const int NoValue = -1;

    public static readonly KeyState Initial = new(NoValue, 0, 0, true);

    public bool IsAbsent => Value == NoValue;

    public KeyState Put(int value, long revision) =>
        revision > 0 ? new(value, Version + 1, revision, true) : new(value, Version + 1, ModRevision, false);

    public KeyState Delete(long revision) => new(NoValue, 0, Math.Max(ModRevision, revision), true);
}

/// <summary>The sequential store that a history is compared with: what each operation does to the keys of one partition.</summary>
internal sealed class StoreModel
{
    private readonly IReadOnlyList<string> _keys;
    private readonly Dictionary<string, int> _places = [];
    private readonly Dictionary<string, int> _values = [];

    public StoreModel(Partition partition)
    {
        _keys = partition.Keys;
        foreach (var key in _keys)
            _places.Add(key, _places.Count);
        foreach (var operation in partition.Operations)
        {
            foreach (var comparison in operation.Request.If.OfType<Comparison.Value>())
                _values.TryAdd(comparison.Expected, _values.Count + 1);
            foreach (var seen in operation.Response is { } response ? response.Results.Select(result => result.Seen?.Value) : [])
            {
                if (seen is not null)
                    _values.TryAdd(seen, _values.Count + 1);
            }
        }
        Initial = [.. _keys.Select(_ => KeyState.Initial)];
    }

    public KeyState[] Initial { get; }

    /// <summary>The same for operations that differ in nothing that could ever be seen.</summary>
    public string Signature(Request request) => string.Join('|',
        [.. request.If.Select(comparison => comparison.ToString()), "then", .. request.Then.Select(Signature), "else", .. request.Else.Select(Signature)]);

    public string Describe(KeyState[] state) => string.Join(", ", _keys.Select((key, place) => $"{key} {Describe(state[place])}"));

    /// <summary>
    /// The state after an operation, with the comparisons ending as given; null if its answer contradicts the state, or if it has
    /// no effect and nobody knows its outcome, which is as if it had never been.
    /// </summary>
    public KeyState[]? Apply(KeyState[] before, Operation operation, bool succeeded)
    {
        var after = (KeyState[])before.Clone();
        if (!CompareAsGiven(after, operation.Request, succeeded))
            return null;

        var revision = operation.Response?.Revision ?? 0;
        var steps = operation.Request.Branch(succeeded);
        var wrote = false;
        for (var i = 0; i < steps.Length; i++)
        {
            var place = _places[steps[i].Key];
            ref var key = ref after[place];
            StepResult? result = operation.Response is { } response && i < response.Results.Length ? response.Results[i] : null;
            if (result?.Seen is { } seen && !Explains(ref key, seen))
                return null;
            if (result is { } said && steps[i] is Step.Delete && key.IsAbsent != (said.Deleted == 0))
                return null;
            if (steps[i] is Step.Get || (steps[i] is Step.Delete && key.IsAbsent))
                continue;
            if (revision > 0 && revision <= before[place].ModRevision)
                return null;
            key = steps[i] is Step.Put put ? key.Put(ValueOf(put.Value), revision) : key.Delete(revision);
            wrote = true;
        }
        return wrote || operation.Response is not null ? after : null;
    }

    /// <summary>Whether the comparisons may end as given. A revision that was unknown and must be the expected one is known from then on.</summary>
    private bool CompareAsGiven(KeyState[] state, Request request, bool succeeded)
    {
        var mayFail = false;
        foreach (var comparison in request.If)
        {
            ref var key = ref state[_places[comparison.Key]];
            if (comparison is Comparison.ModRevision { Expected: var revision } && !key.IsModRevisionKnown && revision > key.ModRevision)
            {
                mayFail = true;
                if (succeeded)
                    key = key with { ModRevision = revision, IsModRevisionKnown = true };
            }
            else if (!Holds(key, comparison))
            {
                return !succeeded;
            }
        }
        return succeeded || mayFail;
    }

    private bool Holds(KeyState key, Comparison comparison) => comparison switch
    {
        Comparison.Value value => !key.IsAbsent && key.Value == ValueOf(value.Expected),
        Comparison.Version version => key.Version == version.Expected,
        Comparison.ModRevision mod => (key.IsAbsent ? 0 : key.ModRevision) == mod.Expected && key.IsModRevisionKnown,
        _ => throw new ArgumentException($"An unknown comparison: {comparison}.", nameof(comparison)),
    };

    private bool Explains(ref KeyState key, Observation seen)
    {
        if (seen.Value is null || key.IsAbsent)
            return seen.Value is null && key.IsAbsent;
        if (key.Value != ValueOf(seen.Value) || (seen.Version is { } version && version != key.Version))
            return false;
        if (seen.ModRevision is not { } revision)
            return true;
        if (key.IsModRevisionKnown)
            return key.ModRevision == revision;
        if (revision <= key.ModRevision)
            return false;
        key = key with { ModRevision = revision, IsModRevisionKnown = true };
        return true;
    }

    private int ValueOf(string value) => _values.GetValueOrDefault(value, KeyState.Unobserved);

    private string Signature(Step step) => step is Step.Put put ? $"put {put.Key}#{ValueOf(put.Value)}" : step.ToString();

    private string Describe(KeyState key) =>
        key.IsAbsent ? "is absent"
        : $"has {(key.Value == KeyState.Unobserved ? "a value that nobody read" : _values.First(entry => entry.Value == key.Value).Key)} v{key.Version}"
            + (key.IsModRevisionKnown ? $" mod {key.ModRevision}" : $" mod above {key.ModRevision}");
}
