using System.Runtime.InteropServices;
using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Watching;

/// <summary>Reads a piece of the past for a cohort, whole revisions of it: gathers what is wanted of it, and then tells it.</summary>
/// <remarks>One caller at a time. What it keeps from one piece to the next is room only.</remarks>
/// <param name="limits">Bounds of a piece.</param>
internal sealed class PastReader(WatchLimits limits)
{
    // What a change that is wanted costs besides its bytes, about.
    private const int ChangeBytes = 32;

    private readonly List<PastChange> _changes = [];
    private readonly List<Watcher> _wanting = [];
    private readonly PastVersions _versions = new();
    private readonly List<WatchChannel> _told = [];
    private readonly List<Watcher> _fallenOut = [];

    /// <summary>The streams of which watchers have been told something.</summary>
    public IReadOnlyList<WatchChannel> Told => _told;

    /// <summary>Watchers whose streams are full; each with the revision that it stopped before.</summary>
    public IReadOnlyList<Watcher> FallenOut => _fallenOut;

    /// <param name="cohort">For whom, and from where on.</param>
    /// <param name="view">The state.</param>
    /// <param name="until">The last revision to read.</param>
    /// <param name="bytesMax">A piece ends with the first revision with which more has been told.</param>
    /// <returns>The revision up to which all of the cohort have had everything that have not fallen out.</returns>
    public long Read(Cohort cohort, StoreView view, long until, long bytesMax)
    {
        _told.Clear();
        _fallenOut.Clear();
        try
        {
            using var scan = new ChangeScan(view.Reader);
            var readUpTo = cohort.IsEmpty ? cohort.Next - 1 : Gather(cohort, scan, view.Revision, until, bytesMax);
            _versions.Find(CollectionsMarshal.AsSpan(_changes), scan, view.Reader);
            return Tell(view, readUpTo, bytesMax);
        }
        finally
        {
            _changes.Clear();
            _wanting.Clear();
        }
    }

    private long Gather(Cohort cohort, ChangeScan scan, long current, long until, long bytesMax)
    {
        var (changes, read, wanted, revision) = (0, 0L, 0L, long.MinValue);
        for (scan.Seek(cohort.Next); scan.Stands; scan.MoveNext(), changes++)
        {
            var position = scan.Position;
            if (position.Main != revision)
            {
                if (position.Main > until) return until;
                if (changes >= limits.CatchUpChanges || read > limits.StreamBytesMax || wanted > bytesMax) return position.Main - 1;
                revision = position.Main;
            }
            var record = scan.Record;
            read += record.Length;
            var first = _wanting.Count;
            var change = new StoredChange(record);
            cohort.Find(change.Key, revision, change.IsDelete, _wanting);
            if (_wanting.Count == first) continue;
            _changes.Add(new PastChange(position, record.ToArray(), first.._wanting.Count));
            wanted += (long)(record.Length + ChangeBytes) * (_wanting.Count - first);
        }
        return Math.Min(until, current);
    }

    private long Tell(StoreView view, long readUpTo, long bytesMax)
    {
        var (bytes, revision) = (0L, long.MinValue);
        foreach (ref readonly var change in CollectionsMarshal.AsSpan(_changes))
        {
            if (change.Position.Main != revision && bytes > bytesMax) return revision;
            revision = change.Position.Main;
            var encoded = new EncodedEvent(change.ToEvent(view.Reader, view.CompactedRevision));
            foreach (var watcher in CollectionsMarshal.AsSpan(_wanting)[change.Watchers]) bytes += Tell(watcher, encoded);
        }
        return readUpTo;
    }

    /// <returns>The bytes of what it was told.</returns>
    private int Tell(Watcher watcher, EncodedEvent encoded)
    {
        if (watcher.HasFallenOut || watcher.IsCanceled) return 0;
        var past = watcher.Stream.Past;
        var isFirst = past.IsEmpty;
        if (past.TryAdd(watcher, encoded))
        {
            if (isFirst) _told.Add(watcher.Stream);
            return encoded.Field(watcher.WithPrevious).Length + ChangeBytes;
        }
        (watcher.HasFallenOut, watcher.Next) = (true, encoded.Revision);
        _fallenOut.Add(watcher);
        return 0;
    }
}
