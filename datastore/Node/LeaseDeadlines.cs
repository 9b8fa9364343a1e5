using Raft.KeyValue.Leases;

namespace Raft.Node;

/// <summary>
/// When leases end. Every member knows which there are, from what it applies; only the leader keeps their time (etcd's lessor), in
/// ticks, and in memory alone: who becomes leader gives every lease its full time anew, so that none dies for a change of leaders.
/// </summary>
/// <param name="tickMs">Milliseconds of a tick.</param>
/// <param name="rules">What the promises rest on.</param>
internal sealed class LeaseDeadlines(long tickMs, LeaseRules rules)
{
    private const long MsPerSecond = 1000;

    // So many ended leases may stay filed, besides as many as there are living ones.
    private const int EndedMax = 1000;

    private readonly Dictionary<long, Entry> _leases = [];

    // Filed under a tick that is never after the true one: keeping a lease alive moves nothing here.
    private readonly PriorityQueue<long, long> _order = new();

    internal int Count => _leases.Count;

    /// <summary>Leases that wait for their time, some that have ended among them.</summary>
    internal int Filed => _order.Count;

    /// <summary>Whether time passes: this member leads, and has applied all that the leaders before it acknowledged.</summary>
    internal bool IsRunning { get; private set; }

    /// <summary>These are the leases that exist, and no others.</summary>
    internal void Load(IReadOnlyList<GrantedLease> leases)
    {
        Stop();
        _leases.Clear();
        foreach (var lease in leases)
        {
            _leases.Add(lease.Id, new Entry(lease.TtlSeconds));
        }
    }

    internal void Apply(LeaseChange change, long tick)
    {
        if (!change.IsGranted)
        {
            _leases.Remove(change.Lease.Id);
            ForgetEnded();
            return;
        }

        var entry = new Entry(change.Lease.TtlSeconds);
        _leases.Add(change.Lease.Id, entry);
        if (IsRunning)
        {
            Begin(change.Lease.Id, entry, tick);
        }
    }

    /// <summary>This member leads from now on.</summary>
    internal void Start(long tick)
    {
        Stop();
        IsRunning = true;
        foreach (var (id, entry) in _leases)
        {
            Begin(id, entry, tick);
        }
    }

    /// <summary>This member does not lead any more: it ends no lease.</summary>
    internal void Stop()
    {
        IsRunning = false;
        _order.Clear();
    }

    /// <summary>Gives a lease its full time again.</summary>
    /// <returns>That time, in seconds; null: there is no such lease, or its time is over.</returns>
    internal long? KeepAlive(long id, long tick)
    {
        if (!_leases.TryGetValue(id, out var entry) || (!rules.MayRevive && (entry.IsOver || entry.Due <= tick)))
        {
            return null;
        }

        entry.Due = tick + entry.Ticks(tickMs);
        return entry.TtlSeconds;
    }

    /// <summary>Whole seconds left, and seconds granted; null: there is no such lease.</summary>
    internal (long Left, long Granted)? TimeToLive(long id, long tick) => _leases.TryGetValue(id, out var entry)
        ? (Math.Max(0, entry.Due - tick) * tickMs / MsPerSecond, entry.TtlSeconds)
        : null;

    /// <summary>
    /// Leases whose time is over, at most so many; the others come at the next ticks, so that a crowd of them holds nothing up. One
    /// that has not ended after a while is named again: its revoke may have been lost.
    /// </summary>
    internal List<long> TakeDue(long tick, int max, long retryTicks)
    {
        var due = new List<long>();
        while (due.Count < max && _order.TryPeek(out var id, out var filed) && filed <= tick)
        {
            _order.Dequeue();
            if (!_leases.TryGetValue(id, out var entry) || entry.Filed != filed)
            {
                continue;
            }

            if (entry.Due > tick)
            {
                File(id, entry, entry.Due);
                continue;
            }

            entry.IsOver = true;
            due.Add(id);
            File(id, entry, tick + retryTicks);
        }

        return due;
    }

    private void Begin(long id, Entry entry, long tick)
    {
        entry.IsOver = false;
        entry.Due = rules.DueAnew(entry.Due, tick + entry.Ticks(tickMs));
        File(id, entry, entry.Due);
    }

    private void File(long id, Entry entry, long tick)
    {
        entry.Filed = tick;
        _order.Enqueue(id, tick);
    }

    /// <summary>A lease that ends early stays filed until its time: with many such, and long times, they would fill the memory.</summary>
    private void ForgetEnded()
    {
        if (_order.Count <= (2 * _leases.Count) + EndedMax)
        {
            return;
        }

        _order.Clear();
        foreach (var (id, entry) in _leases)
        {
            _order.Enqueue(id, entry.Filed);
        }
    }

    private sealed class Entry(long ttlSeconds)
    {
        internal long TtlSeconds => ttlSeconds;

        /// <summary>The tick at which it ends, unless it is kept alive.</summary>
        internal long Due { get; set; }

        /// <summary>The tick under which it is filed; what is filed under another is older.</summary>
        internal long Filed { get; set; }

        /// <summary>Its end was proposed: nothing revives it.</summary>
        internal bool IsOver { get; set; }

        internal long Ticks(long tickMs) => ((Math.Max(1, ttlSeconds) * MsPerSecond) + tickMs - 1) / tickMs;
    }
}
