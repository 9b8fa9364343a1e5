namespace Raft.KeyValue.Watching;

/// <summary>One step into the past for watchers of one stream: ends at the end of a revision, or of what there is.</summary>
internal sealed class CatchUp(WatchChannel stream, IReadOnlyList<Watcher> watchers, StoreView view, WatchLimits limits, int bytesMax)
{
    private readonly WatchIndex _index = new();
    private readonly List<Watcher> _found = [];
    private long _bytes;

    /// <returns>The revision up to which the watchers have had everything.</returns>
    public long Run()
    {
        foreach (var watcher in watchers) _index.Add(watcher);
        var from = watchers.Min(static watcher => watcher.Next);
        using var scan = new ChangeScan(view.Reader, view.CompactedRevision);
        var (changes, readUpTo) = (0, long.MaxValue);
        for (var stands = scan.Seek(from); stands; stands = scan.MoveNext(), changes++)
        {
            var revision = scan.Position.Main;
            var isEnough = changes >= limits.CatchUpChanges || _bytes > bytesMax;
            if (isEnough && revision > readUpTo) return readUpTo;
            readUpTo = revision;
            Tell(scan, revision);
        }
        return view.Revision;
    }

    private void Tell(ChangeScan scan, long revision)
    {
        _found.Clear();
        _index.Find(scan.Key, _found);
        _found.RemoveAll(watcher => revision < watcher.Next);
        if (_found.Count == 0) return;
        var change = scan.ToEvent();
        var encoded = new EncodedEvent(change);
        foreach (var watcher in _found)
        {
            if (!watcher.Wants(change.Type)) continue;
            _bytes += stream.Stage(watcher, encoded);
        }
    }
}
