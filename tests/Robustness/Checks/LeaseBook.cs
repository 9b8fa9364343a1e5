using System.Globalization;
using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Checks;

/// <summary>
/// What was promised about leases. A lease lives for its time from when its grant or renewal was asked for, if that was answered,
/// unless its holder asked for its end; and once its end was answered, nothing is under it any more. Times are microseconds of the
/// history's clock.
/// </summary>
internal sealed class LeaseBook(Action<string> reportBroken)
{
    /// <summary>Before all keys under leases; after it comes the lease.</summary>
    public const string Prefix = "lease/";

    /// <summary>Members count in ticks of 100 ms, of which the first may come at once.</summary>
    private const long Slack = 300_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Entry> _leases = [];

    public int Count
    {
        get
        {
            lock (_gate)
                return _leases.Count;
        }
    }

    public static string KeyOf(long lease, int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{lease}/{number}");

    public static bool IsUnderLease(string key) => key.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>A key is about to be put under a lease.</summary>
    public void Puts(long lease, string key, string value)
    {
        lock (_gate)
            Of(lease).Puts.Add((key, value));
    }

    /// <summary>A grant or a renewal that was asked for at a time was answered.</summary>
    public void IsPromised(long lease, long asked, long ttlSeconds)
    {
        lock (_gate)
        {
            var entry = Of(lease);
            entry.Until = Math.Max(entry.Until, asked + (ttlSeconds * 1_000_000) - Slack);
            if (entry.GoneAt is { } gone)
                MustBeOver(lease, entry, gone, "was gone");
        }
    }

    /// <summary>Its holder is about to ask for its end: it may come at any time from now on.</summary>
    public void MayEnd(long lease)
    {
        lock (_gate)
            Of(lease).MayBeRevoked = true;
    }

    /// <summary>Its end was answered.</summary>
    public void IsRevoked(long lease, long revision)
    {
        lock (_gate)
            Of(lease).RevokedAt = revision;
    }

    /// <summary>Somebody was told that the lease, or a key under it, is not there: at this time or before.</summary>
    public void IsGone(long lease, long now)
    {
        lock (_gate)
        {
            var entry = Of(lease);
            entry.GoneAt = Math.Min(now, entry.GoneAt ?? long.MaxValue);
            MustBeOver(lease, entry, now, "is gone");
        }
    }

    /// <summary>A watcher was told of changes.</summary>
    public void AreTold(IEnumerable<Event> events, long now)
    {
        foreach (var told in events.Where(told => told.Type == Event.Types.EventType.Delete))
        {
            if (told.Kv.Key.ToStringUtf8() is var key && IsUnderLease(key))
                IsGone(LeaseOf(key), now);
        }
    }

    /// <summary>Whether a change of a key under a lease is one that its holder asked for, or the end of the lease.</summary>
    public bool Explains(Event told)
    {
        var key = told.Kv.Key.ToStringUtf8();
        lock (_gate)
        {
            if (!_leases.TryGetValue(LeaseOf(key), out var entry))
                return false;
            return told.Type == Event.Types.EventType.Delete
                ? entry.RevokedAt is not { } end || told.Kv.ModRevision <= end
                : told.Kv.Lease == LeaseOf(key) && entry.Puts.Contains((key, told.Kv.Value.ToStringUtf8())) && !(told.Kv.ModRevision > entry.RevokedAt);
        }
    }

    /// <summary>At the end of a round no key under a lease is left, going by its last change that was told; null: it is so.</summary>
    public static string? AllAreGone(IEnumerable<Event> told) =>
        told.Where(change => IsUnderLease(change.Kv.Key.ToStringUtf8())).GroupBy(change => change.Kv.Key).Select(key => key.Last())
            .FirstOrDefault(last => last.Type == Event.Types.EventType.Put) is { } left
            ? $"no watcher was told of the end of {WatchRecord.Describe([left])}, whose lease has ended"
            : null;

    private static long LeaseOf(string key) => long.Parse(key.Split('/')[1], CultureInfo.InvariantCulture);

    private void MustBeOver(long lease, Entry entry, long now, string what)
    {
        if (entry.MayBeRevoked || entry.IsReported || now >= entry.Until)
            return;
        entry.IsReported = true;
        reportBroken($"The keys of lease {lease} must live until {entry.Until}, as was answered, but one {what} at {now}");
    }

    private Entry Of(long lease)
    {
        if (!_leases.TryGetValue(lease, out var entry))
            _leases.Add(lease, entry = new Entry());
        return entry;
    }

    private sealed class Entry
    {
        public HashSet<(string Key, string Value)> Puts { get; } = [];

        public long Until { get; set; }

        public long? GoneAt { get; set; }

        public bool MayBeRevoked { get; set; }

        public long? RevokedAt { get; set; }

        /// <summary>All watchers are told of the same.</summary>
        public bool IsReported { get; set; }
    }
}
