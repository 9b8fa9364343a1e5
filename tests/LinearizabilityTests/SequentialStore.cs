namespace Raft.Linearizability.Tests;

/// <summary>etcd's meaning in a few lines, done one operation after the other: what the checkers are compared with.</summary>
internal sealed class SequentialStore
{
    private readonly Dictionary<string, (string Value, long Version, long ModRevision)> _keys;

    public SequentialStore() => _keys = [];

    private SequentialStore(SequentialStore other)
    {
        _keys = new(other._keys);
        Revision = other.Revision;
    }

    public long Revision { get; private set; } = 1;

    public SequentialStore Clone() => new(this);

    /// <summary>Does a request and gives the fullest answer there can be.</summary>
    public Response Do(Request request)
    {
        var succeeded = request.If.All(Holds);
        var wrote = false;
        var results = new List<StepResult>();
        foreach (var step in request.Branch(succeeded))
        {
            var isThere = _keys.TryGetValue(step.Key, out var there);
            var seen = isThere ? new Observation(there.Value, there.Version, there.ModRevision) : Observation.Absent;
            results.Add(new StepResult(seen, step is Step.Delete && isThere ? 1 : 0));
            if (step is Step.Put put)
                _keys[step.Key] = (put.Value, there.Version + 1, Revision + 1);
            if (step is Step.Delete)
                _keys.Remove(step.Key);
            wrote |= step is Step.Put || (step is Step.Delete && isThere);
        }
        Revision += wrote ? 1 : 0;
        return new Response(succeeded, Revision, [.. results]);
    }

    private bool Holds(Comparison comparison)
    {
        var isThere = _keys.TryGetValue(comparison.Key, out var there);
        return comparison switch
        {
            Comparison.Value value => isThere && there.Value == value.Expected,
            Comparison.ModRevision mod => there.ModRevision == mod.Expected,
            Comparison.Version version => there.Version == version.Expected,
            _ => throw new ArgumentException($"An unknown comparison: {comparison}.", nameof(comparison)),
        };
    }
}
