using System.Diagnostics;
using Raft.Benchmarks.Reports;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Loads;

/// <summary>Says to the clients of one load when to measure and when to stop, and looks at the members at both times.</summary>
internal sealed class Observation(LocalCluster cluster, DataDisk disk)
{
    private volatile bool _isMeasuring;
    private volatile bool _isOver;

    public bool IsMeasuring => _isMeasuring;

    public bool IsOver => _isOver;

    /// <summary>On a thread of its own: the pool is busy with the clients.</summary>
    public Task<Taken> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop) => Task.Factory.StartNew(
        () => Measure(warmUp, measured, stop), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private Taken Measure(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        stop.WaitHandle.WaitOne(warmUp);
        var before = Usages();
        var generatorBefore = Environment.CpuUsage.TotalTime;
        var writtenBefore = disk.WrittenBytes;
        var started = Stopwatch.GetTimestamp();
        _isMeasuring = true;
        stop.WaitHandle.WaitOne(measured);
        _isMeasuring = false;
        _isOver = true;
        var time = Stopwatch.GetElapsedTime(started);
        return new(time, before, Usages(), Environment.CpuUsage.TotalTime - generatorBefore, disk.WrittenBytes - writtenBefore);
    }

    private Usage[] Usages() => [.. cluster.Members.Select(member => member.MeasureUsage())];
}
