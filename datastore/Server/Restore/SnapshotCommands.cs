using System.CommandLine;
using Raft.Server.Options;

namespace Raft.Server.Restore;

/// <summary>`Raft.Server snapshot restore` and `snapshot status`: what one does with a backup, by the names of etcdutl.</summary>
internal static class SnapshotCommands
{
    /// <summary>The first argument of the process.</summary>
    public const string Name = "snapshot";

    /// <summary>Exit code for a snapshot or a directory that is no good; nothing was changed.</summary>
    private const int CannotRestore = 65;

    /// <summary>More would leave too little room to grow by.</summary>
    private const long LargestBump = 1L << 60;

    private static readonly string[] MemberSettings =
        ["name", "data-dir", "initial-cluster", "initial-cluster-token", "initial-advertise-peer-urls"];

    /// <param name="arguments">All that follows the name.</param>
    /// <param name="environment">For the settings that a server has too.</param>
    /// <param name="output">For what was done.</param>
    /// <param name="error">For what was not.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, Func<string, string?> environment, TextWriter output, TextWriter error)
    {
        try
        {
            var command = new Command(Name, "Works on files that `etcdctl snapshot save` has made.") { Restore(environment, output), Status(output) };
            var parsed = new RootCommand("Raft.Server") { command }.Parse([Name, .. arguments]);
            if (parsed.Errors.Count > 0)
            {
                throw new SettingException(string.Join(' ', parsed.Errors.Select(problem => problem.Message)));
            }

            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (SettingException problem)
        {
            await error.WriteLineAsync($"{problem.Message} Nothing was changed. `Raft.Server {Name} --help` tells more.");
            return OptionsReader.BadSettings;
        }
        catch (Exception problem) when (problem is SnapshotException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(problem.Message);
            return CannotRestore;
        }
    }

    private static Command Restore(Func<string, string?> environment, TextWriter output)
    {
        var settings = SettingList.All.Where(setting => MemberSettings.Contains(setting.Name))
            .ToDictionary(setting => setting.Name, setting => new Option<string>("--" + setting.Name) { Description = setting.Description });
        var file = File();
        var skip = new Option<bool>("--skip-hash-check") { Description = "Take the file whatever its SHA-256 says." };
        var bump = new Option<long>("--bump-revision")
        {
            Description = "How much to increase the revision, so that none is handed out a second time (with --mark-compacted).",
        };
        var mark = new Option<bool>("--mark-compacted")
        {
            Description = "Treat all before the increased revision as compacted, so that watches that go on from there are told (with --bump-revision).",
        };
        var command = new Command(
            "restore", "Makes the data directory of a first member of a new cluster that has the snapshot's data. All first members are restored so, alike.")
        {
            file, skip, bump, mark,
        };
        foreach (var setting in settings.Values)
        {
            command.Add(setting);
        }

        command.SetAction(async (parsed, _) =>
        {
            var revisionBump = parsed.GetValue(bump);
            if (revisionBump is < 0 or > LargestBump || revisionBump > 0 != parsed.GetValue(mark))
            {
                throw new SettingException($"--bump-revision (1 to {LargestBump}) and --mark-compacted go together.");
            }

            var options = Options(setting => settings.TryGetValue(setting.Name, out var option)
                ? parsed.GetValue(option) ?? environment(setting.EnvironmentVariable)
                : null);
            var path = parsed.GetValue(file)!;
            var (identity, revision) = await SnapshotRestore.RunAsync(new(options, path, parsed.GetValue(skip), revisionBump));
            await output.WriteLineAsync(
                $"Restored '{path}' at revision {revision} into '{options.DataDirectory}': member {identity.MemberId:x} of the new cluster {identity.ClusterId:x}.");
        });
        return command;
    }

    private static Command Status(TextWriter output)
    {
        var file = File();
        var form = new Option<string>("--write-out", "-w") { Description = "simple, json or table.", DefaultValueFactory = _ => "simple" };
        form.AcceptOnlyFromAmong("simple", "json", "table");
        var command = new Command("status", "Prints hash, revision, number of keys and size. Needs room for a copy in the folder of temporary files.") { file, form };
        command.SetAction(async (parsed, _) =>
            await output.WriteLineAsync((await SnapshotStatus.ReadAsync(parsed.GetValue(file)!)).Write(parsed.GetValue(form)!)));
        return command;
    }

    private static Argument<string> File() => new("file") { Description = "A file that `etcdctl snapshot save` has made." };

    /// <summary>The options of a server that has nothing but these settings, completed and checked as those of one that starts.</summary>
    private static ServerOptions Options(Func<Setting, string?> given)
    {
        var (options, problems) = (new ServerOptions(), new List<string>());
        foreach (var setting in SettingList.All)
        {
            try
            {
                options = setting.Apply(options, given(setting) ?? setting.Default);
            }
            catch (SettingException problem)
            {
                problems.Add($"--{setting.Name}: {problem.Message}.");
            }
        }

        options = problems.Count == 0 ? OptionsCheck.Complete(options, problems) : options;
        return problems.Count == 0 ? options : throw new SettingException(string.Join(' ', problems));
    }
}
