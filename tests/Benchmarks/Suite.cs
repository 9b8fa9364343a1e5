using Raft.Benchmarks.Faults;
using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Reports;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks;

/// <summary>
/// Runs the servers one after the other, each on empty data, again and again: what slows the machine down for a while then
/// meets all of them, and medians leave it out.
/// </summary>
internal sealed class Suite(Plan plan)
{
    private readonly Results _results = new();
    private readonly DataDisk _disk = new(plan.Data);

    public async Task<Results> RunAsync(CancellationToken stop)
    {
        for (var round = 0; round < plan.Rounds; round++)
        {
            for (var turn = 0; turn < plan.Servers.Count; turn++)
            {
                var kind = plan.Servers[(round + turn) % plan.Servers.Count];
                Tell($"round {round + 1} of {plan.Rounds}: {kind.Name}");
                await RunAsync(kind, stop);
            }
        }

        return _results;
    }

    private async Task RunAsync(ServerKind kind, CancellationToken stop)
    {
        await using var cluster = new LocalCluster(kind, plan.Data);
        cluster.StartAll();
        _results.Add(kind, Moment.StartEmpty, await cluster.UntilWritableAsync(stop));
        var (filled, stall) = await Filling.FillAsync(cluster, plan.Keys, stop);
        _results.Add(kind, Moment.Fill, filled);
        _results.Add(kind, Moment.FillStall, stall);
        Tell($"  {plan.Keys:N0} keys in {filled.TotalSeconds:0.0} s; at most {stall.TotalMilliseconds:0} ms without an acknowledgement");
        await RunAsync(LoadList.WarmUp, cluster, 2 * plan.WarmUp, stop);
        foreach (var load in plan.Loads)
        {
            _results.Add(kind, load, await RunAsync(load, cluster, plan.Measured, stop));
        }

        if (kind.IsDurable && plan.LeaderKills > 0)
        {
            await BreakAsync(cluster, stop);
        }
    }

    private async Task<Measurement> RunAsync(Load load, LocalCluster cluster, TimeSpan measured, CancellationToken stop)
    {
        using var connections = await Connections.OpenAsync(cluster, plan.Target, stop);
        var observation = new Observation(cluster, _disk);
        var measurement = load.Watchers > 0
            ? await new WatchFanOut(load, connections, observation, cluster.Kind).RunAsync(plan.WarmUp, measured, stop)
            : await new LoadRun(load, plan.Keys, connections, observation).RunAsync(plan.WarmUp, measured, stop);
        Tell($"  {load.Name,-22} {measurement}");
        return measurement;
    }

    private async Task BreakAsync(LocalCluster cluster, CancellationToken stop)
    {
        foreach (var member in cluster.Members)
        {
            member.Kill();
        }

        cluster.StartAll();
        var restart = await cluster.UntilWritableAsync(stop);
        _results.Add(cluster.Kind, Moment.RestartWithData, restart);
        Tell($"  restart after kill -9 of all: {restart.TotalMilliseconds:0} ms");
        for (var kill = 0; kill < plan.LeaderKills; kill++)
        {
            var gap = await new LeaderKill(cluster).MeasureGapAsync(stop);
            _results.Add(cluster.Kind, Moment.LeaderKilled, gap);
            Tell($"  gap after kill -9 of the leader: {gap.TotalMilliseconds:0} ms");
        }
    }

    private static void Tell(string what) => Console.Error.WriteLine(what);
}
