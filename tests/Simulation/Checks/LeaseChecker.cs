namespace Raft.Simulation.Tests.Checks;

/// <summary>What was promised about leases, and when they ended. No id is used for two.</summary>
/// <param name="now">Simulated milliseconds since the start.</param>
internal sealed class LeaseChecker(Func<long> now)
{
    private const string Rule = "Lease";
    private const int TicksPerSecond = 10;

    private readonly Dictionary<long, long> _promisedUntil = [];
    private readonly Dictionary<long, long> _endedAt = [];
    private readonly HashSet<long> _maybeRevoked = [];

    /// <summary>Leases that have ended.</summary>
    public int Ended => _endedAt.Count;

    /// <summary>
    /// A grant or a renewal was answered: the lease lives for its time from when it was asked for, by the fastest clock there is,
    /// and by one tick less, since the first may come at once. Whoever leads, no one else may end it before.
    /// </summary>
    /// <param name="lease">The lease.</param>
    /// <param name="asked">When the request was sent.</param>
    /// <param name="ttlSeconds">The time that was answered.</param>
    /// <param name="tickMs">Milliseconds of the fastest clock's ticks.</param>
    public void IsPromised(long lease, long asked, long ttlSeconds, int tickMs)
    {
        var until = asked + (((ttlSeconds * TicksPerSecond) - 1) * tickMs);
        _promisedUntil[lease] = Math.Max(until, _promisedUntil.GetValueOrDefault(lease));
        if (_endedAt.TryGetValue(lease, out var ended) && !_maybeRevoked.Contains(lease))
            SafetyChecker.Holds(ended >= until, Rule, $"{lease} ended at {ended}, but what was asked at {asked} was answered that it lives until {until}");
    }

    /// <summary>A client is about to ask for its end: it may come at any time from now on.</summary>
    public void MayBeRevoked(long lease) => _maybeRevoked.Add(lease);

    /// <summary>Whether it must be there now.</summary>
    public bool MustLive(long lease) => !_maybeRevoked.Contains(lease) && now() < _promisedUntil.GetValueOrDefault(lease);

    /// <summary>Somebody has applied its end.</summary>
    public void Ends(long lease)
    {
        _endedAt[lease] = now();
        MustBeOver(lease, "ended");
    }

    /// <summary>It does not exist, as a member says.</summary>
    public void IsToldGone(long lease) => MustBeOver(lease, "is said to be gone");

    private void MustBeOver(long lease, string what) =>
        SafetyChecker.Holds(!MustLive(lease), Rule, $"{lease} {what} at {now()}, but was kept alive until {_promisedUntil.GetValueOrDefault(lease)}");
}
