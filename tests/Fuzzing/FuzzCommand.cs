using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Raft.Fuzzing.Tests.Targets;

namespace Raft.Fuzzing.Tests;

/// <summary>The fuzzer from the command line: see <c>run.sh</c>.</summary>
internal sealed class FuzzCommand
{
    private double _minutes;
    private int _seed = 1;
    private string? _target;
    private bool _writesCorpus;

    /// <summary>Everything that reads bytes from outside.</summary>
    public static IReadOnlyList<IFuzzTarget> Targets { get; } =
    [
        new LogTarget(), new SnapshotTarget(), new PeerTarget(), new RequestTarget(), new RecordTarget(), new GatewayTarget(), new RestoreTarget(),
        new TokenTarget(), new MetadataTarget(),
    ];

    /// <summary>False: the arguments are not for the fuzzer.</summary>
    public static bool TryParse(string[] args, [NotNullWhen(true)] out FuzzCommand? command)
    {
        command = new();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--write-corpus":
                    command._writesCorpus = true;
                    continue;
                case "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out command._minutes):
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out command._seed):
                    break;
                case "--target" when Targets.Any(target => target.Name == value):
                    command._target = value;
                    break;
                default:
                    command = null;
                    return false;
            }

            i++;
        }

        return command._writesCorpus || command._minutes > 0;
    }

    /// <summary>Shares the time among the targets, and keeps what fails.</summary>
    /// <returns>0: nothing failed.</returns>
    public int Run()
    {
        var targets = Targets.Where(target => _target is null || target.Name == _target).ToList();
        var failed = 0;
        foreach (var target in targets)
        {
            if (_writesCorpus)
            {
                Corpus.WriteReal(target);
                continue;
            }

            var started = Stopwatch.GetTimestamp();
            var share = TimeSpan.FromMinutes(_minutes) / targets.Count;
            var fuzzer = new Fuzzer(target, _seed);
            var failures = fuzzer.Run(_ => Stopwatch.GetElapsedTime(started) < share);
            Console.WriteLine(
                $"{target.Name}: {string.Join(", ", fuzzer.Outcomes.Select(outcome => $"{outcome.Value} {outcome.Key}"))}; "
                + $"at most {fuzzer.AllocatedBytesMax / 1024} KiB for one input");
            foreach (var (input, finding) in failures)
                Console.WriteLine($"FAILED {Corpus.Keep(target, input)}{Environment.NewLine}{finding}");
            failed += failures.Count;
        }

        return failed == 0 ? 0 : 1;
    }
}
