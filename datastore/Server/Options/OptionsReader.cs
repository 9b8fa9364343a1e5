using System.CommandLine;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

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
            "A member of a Raft datastore that speaks the etcd v3 API. Every flag is also an environment variable: --data-dir is RAFT_DATA_DIR.")
        {
            file,
        };
        foreach (var flag in flags.Values)
        {
            command.Add(flag);
        }

        ServerOptions? options = null;
        var problems = new List<string>();
        command.SetAction(parsed =>
        {
            var fromFile = ReadFile(parsed.GetValue(file) ?? environment("RAFT_CONFIG_FILE"), problems);
            options = new ServerOptions();
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

            if (problems.Count == 0)
            {
                options = OptionsCheck.Complete(options, problems);
            }
        });
        var result = command.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            problems.AddRange(result.Errors.Select(problem => problem.Message));
        }
        else
        {
            result.Invoke();
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

    private static Dictionary<string, string> ReadFile(string? path, List<string> problems)
    {
        if (string.IsNullOrEmpty(path))
        {
            return [];
        }

        try
        {
            var values = new DeserializerBuilder().Build().Deserialize<Dictionary<string, string?>?>(File.ReadAllText(path)) ?? [];
            var known = SettingList.All.Select(setting => setting.Name).ToHashSet();
            problems.AddRange(values.Keys.Where(name => !known.Contains(name)).Select(name => $"{path}: '{name}' is no setting"));
            return values.Where(value => value.Value is not null).ToDictionary(value => value.Key, value => value.Value!);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or YamlException)
        {
            problems.Add($"--config-file: '{path}' cannot be read: {problem.Message}");
            return [];
        }
    }
}
