using System.CommandLine;
using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Reports;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks;

/// <summary>What can be asked for; run.sh fills in the paths.</summary>
internal static class LoadCommand
{
    public static Task<int> RunAsync(string[] args)
    {
        var quick = new Option<bool>("--quick") { Description = "One short round, for a first look." };
        var rounds = new Option<int?>("--rounds") { Description = "Times that every server runs; medians are reported." };
        var seconds = new Option<double?>("--seconds") { Description = "Measured seconds of each load." };
        var only = new Option<string?>("--only") { Description = "Some loads, comma-separated, or all that begin so: put-,get-1000." };
        var servers = new Option<string>("--servers") { Description = "Which to run.", DefaultValueFactory = _ => "raft,etcd,ceiling" };
        var keys = new Option<int>("--keys") { Description = "That are there at first; thousands.", DefaultValueFactory = _ => KeySpace.DefaultKeys };
        var target = new Option<Target>("--target") { Description = "Whom clients call.", DefaultValueFactory = _ => Target.All };
        var noFaults = new Option<bool>("--no-faults") { Description = "Leave restarts and killed leaders out." };
        var data = new Option<DirectoryInfo>("--data") { Description = "Where the members keep their data.", Required = true };
        var raft = new Option<string>("--raft") { Description = "Our server's program.", DefaultValueFactory = _ => "Raft.Server" };
        var etcd = new Option<string>("--etcd") { Description = "etcd's program.", DefaultValueFactory = _ => "etcd" };
        var commit = new Option<string>("--commit") { Description = "What our server is made from.", DefaultValueFactory = _ => "unknown" };
        var report = new Option<FileInfo?>("--report") { Description = "Where to write the table." };
        var root = new RootCommand("Drives our server, etcd and a server that does nothing over the same API, and compares them.")
        {
            quick, rounds, seconds, only, servers, keys, target, noFaults, data, raft, etcd, commit, report,
        };
        root.SetAction(async (given, stop) =>
        {
            var isQuick = given.GetValue(quick);
            var (ours, theirs) = (Located(given.GetValue(raft)!), Located(given.GetValue(etcd)!));
            var plan = new Plan
            {
                Servers = [.. given.GetValue(servers)!.Split(',').Select(name => ServerKind.Of(name, ours, theirs))],
                Loads = LoadList.Matching(given.GetValue(only)),
                Keys = given.GetValue(keys),
                Rounds = given.GetValue(rounds) ?? (isQuick ? 1 : 3),
                WarmUp = TimeSpan.FromSeconds(isQuick ? 0.7 : 2),
                Measured = TimeSpan.FromSeconds(given.GetValue(seconds) ?? (isQuick ? 1.8 : 8)),
                LeaderKills = given.GetValue(noFaults) ? 0 : isQuick ? 1 : 3,
                Target = given.GetValue(target),
                Data = given.GetValue(data)!,
            };
            var results = await new Suite(plan).RunAsync(stop);
            var text = Markdown.Write(plan, results, await Machine.DescribeAsync(plan, given.GetValue(commit)!));
            Console.WriteLine(text);
            if (given.GetValue(report) is { } file)
            {
                await File.WriteAllTextAsync(file.FullName, text, stop);
                await File.WriteAllTextAsync(Path.ChangeExtension(file.FullName, ".svg"), RatioPlot.Draw(plan, results), stop);
            }

            return results.HasFailures ? 1 : 0;
        });
        return root.Parse(args).InvokeAsync();
    }

    /// <summary>Members run in a folder of their own; a path is meant from here, a bare name from PATH.</summary>
    private static string Located(string program) => program.Contains('/', StringComparison.Ordinal) ? Path.GetFullPath(program) : program;
}
