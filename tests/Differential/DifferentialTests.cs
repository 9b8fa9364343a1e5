using Raft.Differential.Tests.Comparison;
using Raft.Differential.Tests.Servers;

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
