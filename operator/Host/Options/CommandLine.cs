using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Raft.Operator.Host.Options;

/// <summary>
/// The command line. Each flag can also be given in the environment: --leader-election as RAFT_OPERATOR_LEADER_ELECTION. A flag
/// wins over the environment. What cannot be read is an error, with the name of what is wrong.
/// </summary>
public static class CommandLine
{
    private static readonly Option<string?> Namespace = Flag<string?>(
        "--namespace", "namespace to watch; without it, all", _ => null, text => text);

    private static readonly Option<bool> LeaderElection = Flag(
        "--leader-election", "act only while holding the lease", _ => true, Bool);

    private static readonly Option<string> LeaseNamespace = Flag(
        "--lease-namespace", "namespace of the lease; by default the pod's own", _ => OwnNamespace(), text => text);

    private static readonly Option<string> Identity = Flag(
        "--identity", "name of this replica in the lease; by default the pod's", _ => Environment.MachineName, text => text);

    private static readonly Option<TimeSpan> Resync = Flag(
        "--resync", "how often every cluster is looked at even if nothing changed, for example 00:10:00", _ => TimeSpan.FromMinutes(10),
        text => Check(TimeSpan.Parse(text, CultureInfo.InvariantCulture), period => period >= TimeSpan.FromSeconds(1), "at least a second"));

    private static readonly Option<int> Parallel = Flag(
        "--parallel", "clusters that are worked on at the same time", _ => 32,
        text => Check(int.Parse(text, CultureInfo.InvariantCulture), count => count is >= 1 and <= 1000, "from 1 to 1000"));

    private static readonly Option<Uri> Listen = Flag(
        "--listen", "where health and metrics are served", _ => new Uri("http://0.0.0.0:8080"),
        text => Check(new Uri(text), address => address.Scheme == "http", "an http:// address"));

    private static readonly Option<LogLevel> Level = Flag(
        "--log-level", "debug, information, warning or error", _ => LogLevel.Information,
        text => Check(Enum.Parse<LogLevel>(text, ignoreCase: true), level => Enum.IsDefined(level), "a level"));

    private static readonly Option<bool> Json = Flag("--log-json", "write log lines as JSON", _ => true, Bool);

    private static readonly Option<DirectoryInfo> Repository = new("--repository") { Description = "root of the repository", Required = true };

    /// <summary>Parses <paramref name="arguments"/> and runs what they ask for; gives the exit code.</summary>
    public static Task<int> RunAsync(
        string[] arguments, Func<OperatorOptions, CancellationToken, Task<int>> run, Func<DirectoryInfo, int> generate)
    {
        var crds = new Command("crds", "Writes crds/, and what the charts carry of it, from the entity types.") { Repository };
        crds.SetAction(result => generate(result.GetRequiredValue(Repository)));
        var root = new RootCommand("The operator that runs RaftClusters.")
        {
            Namespace, LeaderElection, LeaseNamespace, Identity, Resync, Parallel, Listen, Level, Json, crds,
        };
        root.SetAction((result, cancellationToken) => run(Read(result), cancellationToken));
        return root.Parse(arguments).InvokeAsync();
    }

    private static OperatorOptions Read(ParseResult result) => new()
    {
        Namespace = result.GetValue(Namespace) is { Length: > 0 } one ? one : null,
        LeaderElection = result.GetValue(LeaderElection),
        LeaseNamespace = result.GetValue(LeaseNamespace)!,
        Identity = result.GetValue(Identity)!,
        Resync = result.GetValue(Resync),
        Parallel = result.GetValue(Parallel),
        Listen = result.GetValue(Listen)!,
        LogLevel = result.GetValue(Level),
        LogJson = result.GetValue(Json),
    };

    private static Option<T> Flag<T>(string name, string description, Func<ArgumentResult, T> otherwise, Func<string, T> read)
    {
        var variable = $"RAFT_OPERATOR_{name[2..].Replace('-', '_').ToUpperInvariant()}";
        T? Parse(ArgumentResult result, string source, string text)
        {
            try
            {
                return read(text);
            }
            catch (Exception problem) when (problem is FormatException or OverflowException or ArgumentException)
            {
                result.AddError($"{source}: '{text}' cannot be read: {problem.Message}");
                return default;
            }
        }

        return new Option<T>(name)
        {
            Description = $"{description} ({variable})",
            Arity = typeof(T) == typeof(bool) ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
            CustomParser = result => Parse(result, name, result.Tokens.Count == 0 ? "true" : result.Tokens[0].Value),
            DefaultValueFactory = result => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
                ? Parse(result, variable, text)!
                : otherwise(result),
        };
    }

    private static bool Bool(string text) => bool.Parse(text);

    private static T Check<T>(T value, Func<T, bool> holds, string what) => holds(value) ? value : throw new FormatException($"it must be {what}");

    // Where Kubernetes mounts a pod's service account.
    private static string OwnNamespace()
    {
        const string mounted = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
        return File.Exists(mounted) ? File.ReadAllText(mounted).Trim() : "default";
    }
}
