using System.Collections.Concurrent;
using System.Diagnostics;

namespace Raft.EndToEnd.Tests.Workload;

/// <summary>What one run of the writing client saw. Written by many writers at once, read when they have ended.</summary>
internal sealed class WriteRecord
{
    private readonly ConcurrentQueue<long> _acknowledgedAt = new();
    private readonly ConcurrentQueue<string> _contradictions = new();
    private readonly ConcurrentDictionary<string, int> _failures = new();
    private long _began = Stopwatch.GetTimestamp();
    private long _ended;
    private long _failedRequests;
    private long _failedWrites;
    private long _lastRevision;

    /// <summary>Requests that were refused, timed out or lost their connection, and were sent again.</summary>
    public long FailedRequests => _failedRequests;

    /// <summary>Writes given up after every retry.</summary>
    public long FailedWrites => _failedWrites;

    public int Acknowledged => _acknowledgedAt.Count;

    /// <summary>The highest revision that any acknowledgement carried.</summary>
    public long LastRevision => Volatile.Read(ref _lastRevision);

    /// <summary>Reads that did not see an acknowledged write, and revisions that went back.</summary>
    public IReadOnlyCollection<string> Contradictions => _contradictions;

    /// <summary>How often each kind of failure was met, to explain a bad number.</summary>
    public IReadOnlyDictionary<string, int> Failures => _failures;

    public TimeSpan Duration => Stopwatch.GetElapsedTime(_began, _ended);

    /// <summary>The longest time without any acknowledgement, the time until the end included.</summary>
    public TimeSpan LongestGap
    {
        get
        {
            var last = _began;
            var longest = 0L;
            foreach (var moment in _acknowledgedAt.Append(_ended).Order())
            {
                longest = Math.Max(longest, moment - last);
                last = moment;
            }

            return Stopwatch.GetElapsedTime(0, longest);
        }
    }

    /// <summary>An acknowledgement. Its revision must be newer than all that were known when the write began.</summary>
    public void Acknowledge(string key, long revision, long newestWhenBegun)
    {
        _acknowledgedAt.Enqueue(Stopwatch.GetTimestamp());
        if (revision <= newestWhenBegun)
            _contradictions.Enqueue($"{key} was written at revision {revision}, but revision {newestWhenBegun} was older");
        for (var known = LastRevision; known < revision;)
        {
            var before = Interlocked.CompareExchange(ref _lastRevision, revision, known);
            if (before == known)
                break;
            known = before;
        }
    }

    /// <summary>Forgets the counts so far: the client is warm now, and what is measured begins here.</summary>
    public void Restart()
    {
        _acknowledgedAt.Clear();
        _failures.Clear();
        _failedRequests = 0;
        _began = Stopwatch.GetTimestamp();
    }

    public void Contradict(string what) => _contradictions.Enqueue(what);

    public void FailRequest(string why)
    {
        Interlocked.Increment(ref _failedRequests);
        _failures.AddOrUpdate(why, 1, (_, count) => count + 1);
    }

    public void FailWrite() => Interlocked.Increment(ref _failedWrites);

    public void End() => _ended = Stopwatch.GetTimestamp();
}
