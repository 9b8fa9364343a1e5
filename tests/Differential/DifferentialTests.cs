using Raft.Differential.Tests.Comparison;
using Raft.Differential.Tests.Requests;
using Raft.Differential.Tests.Servers;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.DowngradeRequest.Types;

namespace Raft.Differential.Tests;

/// <summary>Random sequences of requests are answered as a real etcd 3.5 answers them, and where they are not, the difference is explained.</summary>
public sealed class DifferentialTests
{
    private const int Sequences = 400;
    private const int SequencesUntilNoticed = 60;

    private static readonly TimeSpan RunMax = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Every_answer_is_etcds()
    {
        var run = new DifferentialRun();
        var report = await run.RunAsync(firstSeed: 1, Sequences, RunMax);
        Assert.True(report is null, report);
        Assert.True(run.Sequences > 0);
    }

    [Fact]
    public async Task A_downgrade_is_enabled_and_canceled_as_in_etcd()
    {
        await using var pair = await ServerPair.StartAsync();
        DowngradeRequest enabling = new() { Action = DowngradeAction.Enable, Version = "3.4.7" }, canceling = new() { Action = DowngradeAction.Cancel };
        var difference = await pair.RunAsync(
        [
            new Call(enabling),
            new Call(enabling),
            new Call(new DowngradeRequest { Version = "3.4.0" }),
            new Call(new DowngradeRequest { Version = "3.3.0" }),
            new Call(new DowngradeRequest { Version = "x" }),
            new Call(new StatusRequest()),
            new Call(new PutRequest { Key = KvRequests.Bytes("a") }),
            new Call(canceling),
            new Call(canceling),
        ]);
        Assert.True(difference is null, difference?.ToString());
        // etcd 3.5 does both, and answers neither.
        Assert.Equal(2, pair.Explained["Downgrades"]);
    }

    /// <summary>A comparison that notices nothing is a defect.</summary>
    [Fact]
    public async Task A_server_with_another_limit_is_noticed()
    {
        var run = new DifferentialRun { StartOurs = () => ServerProcess.StartOursAsync("--max-txn-ops=125"), Shrinks = false };
        Assert.NotNull(await run.RunAsync(firstSeed: 1, SequencesUntilNoticed, RunMax));
    }

    [Fact]
    public void Every_explanation_has_its_paragraph()
    {
        var page = File.ReadAllText(Path.Combine(Folder(), "docs", "compatibility.md"));
        foreach (var explanation in Explanation.All) Assert.Contains($"**{explanation.Name}.**", page, StringComparison.Ordinal);
    }

    private static string Folder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Raft.sln"))) folder = folder.Parent;
        return folder.FullName;
    }
}
