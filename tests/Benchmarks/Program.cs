using System.Globalization;
using BenchmarkDotNet.Running;
using Raft.Benchmarks;
using Raft.Benchmarks.Servers;

// run.sh says how to call it. The load generator starts this program once more for each member of the ceiling.
return args switch
{
    ["micro", .. var rest] => Micro(rest),
    [CeilingProcess.Command, var port] => await CeilingProcess.ServeAsync(int.Parse(port, CultureInfo.InvariantCulture)),
    _ => await LoadCommand.RunAsync(args),
};

static int Micro(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args.Length > 0 ? args : ["--filter", "*"]);
    return 0;
}
