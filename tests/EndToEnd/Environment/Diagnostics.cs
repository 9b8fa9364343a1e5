namespace Raft.EndToEnd.Tests.Environment;

/// <summary>Writes down, when a scenario fails, what a person would ask for first.</summary>
internal sealed class Diagnostics(EndToEndEnvironment environment)
{
    private const string Clusters = EndToEndEnvironment.Namespace;

    /// <summary>One folder a failed scenario, one file a question. A question that cannot be answered says so in its file.</summary>
    public async Task DumpAsync(string scenario, Exception failure)
    {
        var folder = Path.Combine(environment.Artifacts, string.Concat(scenario.Select(letter => char.IsLetterOrDigit(letter) ? letter : '-')));
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "failure.txt"), failure.ToString());
        await SaveAsync(folder, "raftclusters.yaml", "get", "raftclusters", "-A", "-o", "yaml");
        await SaveAsync(folder, "pods.txt", "get", "pods,pvc,statefulsets,nodes", "-A", "-o", "wide");
        await SaveAsync(folder, "describe-pods.txt", "describe", "pods", "-n", Clusters);
        await SaveAsync(folder, "events.txt", "get", "events", "-A", "--sort-by=.lastTimestamp");
        await SaveAsync(folder, "operator.log", "logs", "-n", OperatorRelease.Namespace, "-l", OperatorRelease.Selector, "--tail=-1", "--prefix");
        foreach (var pod in (await NamesAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var file = Path.GetFileName(pod);
            await SaveAsync(folder, $"{file}.log", "logs", "-n", Clusters, pod, "--tail=2000");
            await SaveAsync(folder, $"{file}.previous.log", "logs", "-n", Clusters, pod, "--tail=2000", "--previous");
        }
    }

    private async Task<string> NamesAsync()
    {
        try
        {
            return await environment.Kubernetes.KubectlAsync("get", "pods", "-n", Clusters, "-o", "name");
        }
        catch (CommandFailedException)
        {
            return string.Empty;
        }
    }

    private async Task SaveAsync(string folder, string file, params string[] arguments)
    {
        string text;
        try
        {
            text = await environment.Kubernetes.KubectlAsync(arguments);
        }
        catch (Exception exception) when (exception is CommandFailedException or TimeoutException)
        {
            text = exception.Message;
        }

        await File.WriteAllTextAsync(Path.Combine(folder, file), text);
    }
}
