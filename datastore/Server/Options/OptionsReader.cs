using System.CommandLine;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Raft.Server.Options;

/// <summary>
/// Puts the settings together: a flag wins over the environment (RAFT_ and the name), that over --config-file (YAML), that over
/// the default. All problems are reported at once.
/// </summary>
internal static class OptionsReader
{
    /// <summary>Exit code for settings that make no sense.</summary>
    public const int BadSettings = 64;

    /// <returns>The options; or null and the code to exit with, when help was asked for or the settings are wrong.</returns>
    public static (ServerOptions? Options, int ExitCode) Read(string[] arguments, Func<string, string?> environment, TextWriter error)
    {
        var flags = SettingList.All.ToDictionary(setting => setting.Name, setting => new Option<string>("--" + setting.Name)
        {
            Description = setting.Default.Length > 0 ? $"{setting.Description} [default: {setting.Default}]" : setting.Description,
            Arity = ArgumentArity.ZeroOrOne,
        });
        var file = new Option<string>("--config-file") { Description = "YAML file with settings by name. [environment: RAFT_CONFIG_FILE]" };
        var command = new RootCommand(
            "A member of a Raft datastore that speaks the etcd v3 API. Every flag is also an environment variable: --data-dir is RAFT_DATA_DIR. "
            + "`Raft.Server snapshot --help` tells how a backup is looked at and restored.")
        {
            file,
        };
        foreach (var flag in flags.Values)
        {
            command.Add(flag);
        }

        ServerOptions? options = null;
        var problems = new List<string>();
        command.SetAction(parsed => options = Gather(parsed, flags, file, environment, problems));
        var result = command.Parse(arguments);
        if (result.Errors.Count == 0)
        {
            result.Invoke();
        }
        else
        {
            // A flag that is misspelt hides nothing of what else is wrong.
            problems.AddRange(result.Errors.Select(problem => problem.Message));
            Gather(result, flags, file, environment, problems);
        }

        if (problems.Count == 0)
        {
            return (options, 0);
        }

        error.WriteLine("The settings do not make sense:");
        problems.ForEach(problem => error.WriteLine($"  {problem}"));
        error.WriteLine("Nothing was started. --help lists all settings.");
        return (null, BadSettings);
    }

    /// <summary>Every setting from where it is given, and whether they go together; all that is wrong is added to the problems.</summary>
    private static ServerOptions Gather(
        ParseResult parsed,
        Dictionary<string, Option<string>> flags,
        Option<string> file,
        Func<string, string?> environment,
        List<string> problems)
    {
        var fromFile = ReadFile(
            parsed.GetResult(file) is { Tokens: [var path, ..] } ? path.Value : environment("RAFT_CONFIG_FILE"), problems);
        var options = new ServerOptions();
        foreach (var setting in SettingList.All)
        {
            var given = parsed.GetResult(flags[setting.Name]) is { Implicit: false } result
                ? result.Tokens.Count == 0 ? "true" : result.Tokens[0].Value
                : environment(setting.EnvironmentVariable) ?? fromFile.GetValueOrDefault(setting.Name);
            try
            {
                options = setting.Apply(options, given ?? setting.Default);
            }
            catch (SettingException problem)
            {
                problems.Add($"--{setting.Name}: {problem.Message}");
            }
        }

        return problems.Count == 0 ? OptionsCheck.Complete(options, problems) : options;
    }

    private static Dictionary<string, string> ReadFile(string? path, List<string> problems)
    {
        if (string.IsNullOrEmpty(path))
        {
            return [];
        }

        try
        {
            var values = ReadYaml(File.ReadAllText(path));
            var known = SettingList.All.Select(setting => setting.Name).ToHashSet();
            problems.AddRange(values.Keys.Where(name => !known.Contains(name)).Select(name => $"{path}: '{name}' is no setting"));
            return values;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or YamlException)
        {
            problems.Add($"--config-file: '{path}' cannot be read: {problem.Message}");
            return [];
        }
    }

    /// <summary>Names and values, all of them scalars; a setting without a value is as if it were not there.</summary>
    private static Dictionary<string, string> ReadYaml(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (yaml.Documents is not [var document, ..] || document.RootNode is YamlScalarNode { Value: null or "" })
        {
            return values;
        }

        if (document.RootNode is not YamlMappingNode settings)
        {
            throw new YamlException(document.RootNode.Start, document.RootNode.End, "it must be a list of `name: value`");
        }

        foreach (var (name, value) in settings.Children)
        {
            if (name is not YamlScalarNode { Value: { } key } || value is not YamlScalarNode scalar)
            {
                throw new YamlException(value.Start, value.End, $"the value of '{name}' must be a single one");
            }

            if (scalar is not { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" })
            {
                values.Add(key, scalar.Value!);
            }
        }

        return values;
    }
}
