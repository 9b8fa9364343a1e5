using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Raft.Differential.Tests.Requests;
using Raft.Differential.Tests.Servers;

namespace Raft.Differential.Tests;

/// <summary>The comparison from the command line: see <c>run.sh</c>.</summary>
internal sealed class DifferentialCommand
{
    private int _seed = 1;
    private int _sequences = 1;
    private Feature _features = Feature.All;
    private bool _traces;
    private bool _comparesEtcdWithItself;

    /// <summary>False: the arguments are not for the comparison.</summary>
    public static bool TryParse(string[] args, [NotNullWhen(true)] out DifferentialCommand? command)
    {
        command = new();
        var isMeant = false;
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--trace":
                    command._traces = true;
                    continue;
                case "--etcd-with-itself":
                    command._comparesEtcdWithItself = true;
                    continue;
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out command._seed):
                case "--sequences" when int.TryParse(value, CultureInfo.InvariantCulture, out command._sequences):
                    isMeant = true;
                    break;
                case "--features" when Enum.TryParse(value, ignoreCase: true, out command._features):
                    break;
                default:
                    command = null;
                    return false;
            }

            i++;
        }

        return isMeant;
    }

    /// <summary>Runs the sequences and says what came of it.</summary>
    /// <returns>0: no difference.</returns>
    public async Task<int> RunAsync()
    {
        var started = Stopwatch.GetTimestamp();
        var run = new DifferentialRun
        {
            Features = _features,
            StartOurs = _comparesEtcdWithItself ? () => ServerProcess.StartEtcdAsync() : null,
            OnStep = _traces ? Console.WriteLine : null,
            OnSequence = done =>
            {
                if (done % 100 == 0) Console.WriteLine($"{done} sequences, {done / Stopwatch.GetElapsedTime(started).TotalSeconds:f1} a second");
            },
        };
        string? report;
        try
        {
            report = await run.RunAsync(_seed, _sequences, TimeSpan.MaxValue);
        }
        catch (InvalidOperationException failure)
        {
            report = failure.Message;
        }

        Console.WriteLine(
            $"{run.Sequences} sequences from seed {_seed}, {run.Answers} answers compared in {Stopwatch.GetElapsedTime(started).TotalSeconds:f0} s; "
            + $"explained: {(run.Explained.Count == 0 ? "none" : string.Join(", ", run.Explained.Select(each => $"{each.Value} {each.Key}")))}");
        if (report is not null) Console.WriteLine($"DIFFERENCE at {report}");
        return report is null ? 0 : 1;
    }
}
