using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Faults;

/// <summary>
/// How long writes stand still when the leader is killed. Puts are sent to the other members at a steady pace, whatever
/// becomes of those before; the gap is the longest time between two acknowledgements.
/// </summary>
internal sealed class LeaderKill(LocalCluster cluster)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<long> _acknowledged = new();
    private readonly List<Task> _puts = [];
    private long _lastAcknowledged;

    public async Task<TimeSpan> MeasureGapAsync(CancellationToken stop)
    {
        var leader = await cluster.LeaderAsync(stop);
        var others = cluster.Members.Where(member => member != leader).ToList();
        await WriteWhileAsync(others, started => Stopwatch.GetElapsedTime(started) < Before, stop);
        leader.Kill();
        await WriteWhileAsync(others, IsWaiting, stop);
        await Task.WhenAll(_puts);
        cluster.Start(leader);
        await cluster.UntilWritableAsync(leader, stop);
        var times = _acknowledged.Order().ToList();
        return times.Zip(times.Skip(1), Stopwatch.GetElapsedTime).Max();
    }

    private async Task WriteWhileAsync(List<Member> members, Predicate<long> condition, CancellationToken stop)
    {
        using var pace = new PeriodicTimer(Pace);
        for (var started = Stopwatch.GetTimestamp(); condition(started); await pace.WaitForNextTickAsync(stop))
        {
            _puts.Add(PutAsync(members[_puts.Count % members.Count]));
        }
    }

    /// <summary>Long enough that the next leader may stumble too, and until writes go on.</summary>
    private bool IsWaiting(long killed)
    {
        var passed = Stopwatch.GetElapsedTime(killed);
        return passed < After || (passed < Patience && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastAcknowledged)) > 20 * Pace);
    }

    private async Task PutAsync(Member member)
    {
        try
        {
            await member.PutAsync(TimeSpan.FromSeconds(2));
            var now = Stopwatch.GetTimestamp();
            _acknowledged.Enqueue(now);
            Volatile.Write(ref _lastAcknowledged, now);
        }
        catch (RpcException)
        {
            // That is what is measured.
        }
    }
}
