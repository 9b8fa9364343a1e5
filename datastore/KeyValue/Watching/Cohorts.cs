using System.Collections.Concurrent;

namespace Raft.KeyValue.Watching;

/// <summary>
/// All watchers that are behind and whose clients take what they are told. One reader goes over the past for them, a bounded piece at
/// a time. Those that stand close together are a cohort: a piece is read and its events are encoded once for all of them. Every other
/// piece belongs to a sweep, which goes from the cohort that is furthest behind to the present and takes in whom it comes to: so the
/// past is read about once, however many begin wherever, and nobody waits for more than two sweeps, however many keep beginning. The
/// pieces between are for whoever waited longest: so one near the present does not wait for a sweep that begins far back.
/// </summary>
/// <remarks>Touched under the hub's gate. What is read, is read outside of it, by one caller at a time.</remarks>
internal sealed class Cohorts(WatchHub hub)
{
    /// <summary>Those that wait, in the order of where they stand, no two at one place.</summary>
    private readonly List<Cohort> _waiting = [];

    private readonly ConcurrentQueue<WatchChannel> _withRoom = new();
    private readonly PastReader _reader = new(hub.Limits);

    /// <summary>Watchers that ended while their cohort was read for.</summary>
    private readonly List<Watcher> _ended = [];

    private Cohort? _reading;
    private long _steps;
    private bool _isSweeping;

    // Where the sweep is, and what was the present when it began: however fast that moves on, the sweep ends.
    private long _sweepAt;
    private long _sweepEnd;

    /// <summary>The watcher reads up on the past, from <see cref="Watcher.Next"/> on.</summary>
    public void Add(Watcher watcher)
    {
        var place = PlaceOf(watcher.Next);
        if (place < 0)
        {
            place = ~place;
            if (place > 0 && watcher.Next - _waiting[place - 1].Next < hub.Limits.CatchUpChanges) place--;
            else _waiting.Insert(place, new Cohort(watcher.Next) { LastStep = _steps });
        }
        _waiting[place].Add(watcher);
        hub.WakeReader();
    }

    /// <summary>The watcher has ended, if it was here at all.</summary>
    public void Remove(Watcher watcher)
    {
        if (watcher.Cohort is not { } cohort) return;
        if (cohort == _reading)
        {
            _ended.Add(watcher);
            return;
        }
        cohort.Remove(watcher);
        if (cohort.IsEmpty) _waiting.RemoveAt(PlaceOf(cohort.Next));
    }

    /// <summary>From any thread, without the gate: a stream that awaited it has room again.</summary>
    public void HasRoom(WatchChannel stream)
    {
        _withRoom.Enqueue(stream);
        hub.WakeReader();
    }

    /// <summary>Reads a piece of the past for one cohort. Not under the gate.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Step()
    {
        long until;
        lock (hub.Gate)
        {
            while (_withRoom.TryDequeue(out var stream)) stream.TakeUp();
            if (_waiting.Count == 0) return false;
            until = Choose();
        }
        var cohort = _reading!;
        try
        {
            using var view = hub.Store.OpenView();
            if (view.CompactedRevision > 0 && cohort.Next < view.CompactedRevision) EndCompacted(cohort, view.CompactedRevision);
            var readUpTo = _reader.Read(cohort, view, until, hub.StreamBytesMax);
            Finish(cohort, readUpTo, isPresent: readUpTo >= view.Revision);
        }
        catch (Exception damage) when (damage is IOException or InvalidDataException)
        {
            Break(cohort, damage);
        }
        return true;
    }

    /// <summary>Takes the next cohort to read for.</summary>
    /// <returns>The revision before the one where the next cohort stands.</returns>
    private long Choose()
    {
        _isSweeping = _steps++ % 2 == 0;
        var place = _isSweeping ? NextOfSweep() : LongestWaiting();
        _reading = _waiting[place];
        _reading.LastStep = _steps;
        _waiting.RemoveAt(place);
        return place < _waiting.Count ? _waiting[place].Next - 1 : long.MaxValue;
    }

    private int NextOfSweep()
    {
        var place = PlaceOf(_sweepAt);
        if (place < 0) place = ~place;
        if (place < _waiting.Count && _waiting[place].Next <= _sweepEnd) return place;
        _sweepEnd = hub.Dispatched;
        return 0;
    }

    private int LongestWaiting()
    {
        var place = 0;
        for (var other = 1; other < _waiting.Count; other++)
            if (_waiting[other].LastStep < _waiting[place].LastStep) place = other;
        return place;
    }

    /// <summary>Ends those that ask for what is compacted; the others do not need it.</summary>
    private void EndCompacted(Cohort cohort, long compacted)
    {
        lock (hub.Gate)
        {
            foreach (var watcher in cohort.Watchers.Where(watcher => watcher.Next < compacted && !watcher.IsCanceled).ToList())
            {
                cohort.Remove(watcher);
                watcher.Stream.EndCompacted(watcher, compacted);
            }
            cohort.Next = compacted;
        }
    }

    private void Finish(Cohort cohort, long readUpTo, bool isPresent)
    {
        lock (hub.Gate)
        {
            foreach (var stream in _reader.Told) stream.Flush(stream.Past);
            foreach (var watcher in _reader.FallenOut.Concat(_ended)) cohort.Remove(watcher);
            cohort.Next = Math.Max(cohort.Next, readUpTo + 1);
            if (_isSweeping) _sweepAt = cohort.Next;
            if (isPresent) Sync(cohort, readUpTo);
            StopReading();
            if (!cohort.IsEmpty) Wait(cohort);
            foreach (var watcher in _reader.FallenOut) watcher.Stream.AwaitRoom(watcher);
        }
    }

    private void Sync(Cohort cohort, long upTo)
    {
        foreach (var watcher in cohort.Watchers.ToList())
        {
            watcher.Next = Math.Max(watcher.Next, cohort.Next);
            if (!hub.TrySync(watcher, upTo)) continue;
            cohort.Remove(watcher);
            watcher.Stream.HasCaughtUp();
        }
    }

    private void Wait(Cohort cohort)
    {
        var place = PlaceOf(cohort.Next);
        if (place < 0) _waiting.Insert(~place, cohort);
        else _waiting[place] = Cohort.Join(_waiting[place], cohort);
    }

    /// <summary>The past cannot be read: those who want it are told by the streams' end.</summary>
    private void Break(Cohort cohort, Exception damage)
    {
        lock (hub.Gate)
        {
            foreach (var watcher in cohort.Watchers.ToList())
            {
                cohort.Remove(watcher);
                if (!watcher.IsCanceled) watcher.Stream.Break(damage);
            }
            StopReading();
        }
    }

    private void StopReading()
    {
        _reading = null;
        _ended.Clear();
    }

    /// <summary>The place of the cohort that stands at a revision, or the complement of where it would be.</summary>
    private int PlaceOf(long revision)
    {
        var (from, until) = (0, _waiting.Count);
        while (from < until)
        {
            var middle = (from + until) >>> 1;
            if (_waiting[middle].Next == revision) return middle;
            if (_waiting[middle].Next < revision) from = middle + 1;
            else until = middle;
        }
        return ~from;
    }
}
