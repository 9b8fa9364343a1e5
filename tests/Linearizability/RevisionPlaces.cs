using System.Collections.Immutable;

namespace Raft.Linearizability;

/// <summary>
/// What revisions say of the order of one partition's answered operations: the writes of a key follow each other in the order of theirs,
/// and whatever else was answered at a revision comes after the writes up to it and before the next. So only writes of unknown outcome are
/// left to be placed by trying.
/// </summary>
internal sealed class RevisionPlaces
{
    private readonly Dictionary<string, int> _keys;
    private readonly Place[][] _places;
    private readonly int[] _written;
    private readonly int[][] _waiting;
    private readonly int[][] _waitingForWrite;

    public RevisionPlaces(Partition partition)
    {
        _keys = partition.Keys.Select((key, place) => (key, place)).ToDictionary(entry => entry.key, entry => entry.place);
        var touched = partition.Operations.Select(Touched).ToList();
        var writes = partition.Keys.Select(_ => new List<long>()).ToArray();
        foreach (var (key, revision) in touched.SelectMany(all => all).Where(touch => touch.Writes).Select(touch => (touch.Key, touch.Revision)).OrderBy(touch => touch.Revision))
            writes[_keys[key]].Add(revision);

        _written = new int[partition.Keys.Count];
        _waiting = [.. writes.Select(all => new int[all.Count + 1])];
        _waitingForWrite = [.. writes.Select(all => new int[all.Count + 1])];
        _places = [.. touched.Select(all => all.Select(touch => PlaceOf(writes[_keys[touch.Key]], _keys[touch.Key], touch)).ToArray())];
        for (var operation = 0; operation < _places.Length; operation++)
            Count(operation, 1);
    }

    /// <summary>Whether an operation may be the next, going by the answered ones that have no place yet. Always true without a revision.</summary>
    public bool IsNext(int operation) => Array.TrueForAll(_places[operation], place =>
        place.Writes == _written[place.Key] && (!place.IsWrite || _waiting[place.Key][place.Writes] == 0));

    /// <summary>
    /// Whether a write of unknown outcome cannot come next, since an answered operation that has no place yet saw the last answered write
    /// of its key, which nobody can see any more afterwards.
    /// </summary>
    public bool IsBarred(ImmutableArray<Step> steps)
    {
        foreach (var step in steps)
        {
            var isSureToWrite = step is Step.Put || (step is Step.Delete && steps.Length == 1);
            if (isSureToWrite && _keys[step.Key] is var key && _waitingForWrite[key][_written[key]] > 0)
                return true;
        }
        return false;
    }

    public void Advance(int operation) => Move(operation, 1);

    public void StepBack(int operation) => Move(operation, -1);

    private void Move(int operation, int by)
    {
        Count(operation, -by);
        foreach (var place in _places[operation])
            _written[place.Key] += place.IsWrite ? by : 0;
    }

    private void Count(int operation, int by)
    {
        foreach (var place in _places[operation])
        {
            _waiting[place.Key][place.Writes] += place.IsWrite ? 0 : by;
            _waitingForWrite[place.Key][place.Writes] += place.SawLastWrite ? by : 0;
        }
    }

    private static Place PlaceOf(List<long> writes, int key, Touch touch)
    {
        var found = writes.BinarySearch(touch.Revision);
        var before = found < 0 ? ~found : touch.Writes ? found : found + 1;
        return new Place(key, before, touch.Writes, before > 0 && touch.Saw == writes[before - 1]);
    }

    private static List<Touch> Touched(Operation operation)
    {
        if (operation.Response is not { Revision: > 0 } response)
            return [];
        var written = operation.Request.Branch(response.Succeeded).Zip(response.Results)
            .Where(part => part.First is Step.Put || (part.First is Step.Delete && part.Second.Deleted > 0))
            .Select(part => part.First.Key).ToHashSet();
        // A key that a writing transaction only looks at is not placed: its revision is that of the write, one past what it saw.
        return [.. operation.Request.Keys.Where(key => written.Count == 0 || written.Contains(key)).Select(key => new Touch(key, response.Revision, written.Contains(key), Saw(operation, key)))];
    }

    private static long? Saw(Operation operation, string key) => operation.Request.Branch(operation.Response!.Succeeded)
        .Zip(operation.Response.Results).FirstOrDefault(part => part.First.Key == key).Second.Seen?.ModRevision;

    /// <summary>How many answered writes of a key come before an operation.</summary>
    private readonly record struct Place(int Key, int Writes, bool IsWrite, bool SawLastWrite);

    private readonly record struct Touch(string Key, long Revision, bool Writes, long? Saw);
}
