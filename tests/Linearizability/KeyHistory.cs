namespace Raft.Linearizability;

/// <summary>What is known to have happened to one key.</summary>
/// <param name="Revision">The revision of the change, or that at which the store began.</param>
/// <param name="Value">The value from then on; null for a key that is absent from then on.</param>
/// <param name="By">Who did it; null for the beginning, and for a write that is known only by what a read saw.</param>
internal sealed record KeyChange(long Revision, string? Value, Operation? By)
{
    /// <summary>How often the key was put since it last was absent; null if a write of unknown outcome may count.</summary>
    public long? Version { get; set; }
}

/// <summary>The changes of one key in the order of their revisions, and the steps on it whose outcome nobody knows.</summary>
internal sealed class KeyHistory(long firstRevision)
{
    private readonly SortedList<long, KeyChange> _changes = new() { [firstRevision] = new KeyChange(firstRevision, null, null) { Version = 0 } };
    private readonly Dictionary<string, int> _witnessed = [];

    public List<(Operation Operation, Step Step)> Unknown { get; } = [];

    public void Add(KeyChange change)
    {
        _changes[change.Revision] = change;
        if (change is { By: null, Value: { } value })
            _witnessed[value] = Witnessed(value) + 1;
    }

    /// <summary>At how many revisions a write of this value is known only by what reads saw.</summary>
    public int Witnessed(string value) => _witnessed.GetValueOrDefault(value);

    /// <summary>The last change up to a revision.</summary>
    public KeyChange At(long revision)
    {
        var (low, high) = (0, _changes.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = _changes.Keys[middle] <= revision ? (middle, high) : (low, middle - 1);
        }
        return _changes.Values[low];
    }

    /// <summary>Gives every change its version, as far as nothing of unknown outcome may have come in between.</summary>
    /// <param name="unaccounted">How many revisions after the one and before the other belong to nothing that is known.</param>
    public void CountVersions(Func<long, long, long> unaccounted)
    {
        KeyChange? previous = null;
        foreach (var change in _changes.Values)
        {
            if (change.Value is null)
                change.Version = 0;
            else if (previous is { Version: { } version } && (Unknown.Count == 0 || unaccounted(previous.Revision, change.Revision) == 0))
                change.Version = version + 1;
            previous = change;
        }
    }
}
