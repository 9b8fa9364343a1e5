using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Raft.EndToEnd.Tests.Workload;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>One RaftCluster: made, changed and deleted with kubectl, and put under a client's load while that is done.</summary>
internal sealed class RaftClusterUnderTest(EndToEndEnvironment environment, string name)
{
    /// <summary>The server's default; a roll or a crash is judged in multiples of it.</summary>
    public static readonly TimeSpan ElectionTimeout = TimeSpan.FromSeconds(1);

    private const string Namespace = EndToEndEnvironment.Namespace;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly KubernetesAccess _kubernetes = environment.Kubernetes;
    private readonly ConcurrentDictionary<string, string> _acknowledged = new();
    private int _runs;

    public string Name => name;

    public Membership Membership { get; } = new(environment.Kubernetes, Namespace, name);

    /// <summary>Every write that a client was ever told is durable, with its value.</summary>
    public IReadOnlyDictionary<string, string> Acknowledged => _acknowledged;

    /// <summary>Creates it as a user would, waits as a user would, then looks closer than a user could.</summary>
    public async Task CreateAsync(int replicas)
    {
        await _kubernetes.ApplyAsync(Manifest(replicas));
        await KubectlAsync("wait", "--for=condition=Available", $"raftcluster/{name}", "--timeout=240s");
        await SettledAsync(replicas);
    }

    public string Manifest(int replicas) =>
        $$"""
        apiVersion: raft.io/v1alpha1
        kind: RaftCluster
        metadata:
          name: {{name}}
          namespace: {{Namespace}}
        spec:
          replicas: {{replicas}}
          image: {{environment.Registry}}/raft-datastore
          version: {{environment.FirstTag}}
          storage:
            size: 1Gi
            retention: {whenScaled: Delete, whenDeleted: Delete}
          resources:
            requests: {cpu: 10m, memory: 64Mi}
        """;

    public Task<string> KubectlAsync(params string[] arguments) => _kubernetes.KubectlAsync(["--namespace", Namespace, .. arguments]);

    public Task ScaleAsync(int replicas) => KubectlAsync("scale", "raftcluster", name, $"--replicas={replicas}");

    public Task PatchAsync(string spec) => KubectlAsync("patch", "raftcluster", name, "--type=merge", "--patch", $$"""{"spec":{{spec}}}""");

    public async Task<JsonNode> ResourceAsync() => JsonNode.Parse(await KubectlAsync("get", "raftcluster", name, "-o", "json"))!;

    public static JsonNode? Condition(JsonNode resource, string type) =>
        resource["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string?)condition!["type"] == type);

    /// <summary>
    /// Waits until the cluster is what its spec asks, by the operator's word and by each member's own: that many voters, no
    /// learner, one leader whom all follow, every pod ready and of the newest template.
    /// </summary>
    public Task SettledAsync(int replicas, string? version = null) =>
        Until.NothingIsMissingAsync($"{name} with {replicas} members", Patience, async stop =>
            OperatorMisses(await ResourceAsync(), version ?? environment.FirstTag) ?? await Membership.MissingAsync(replicas, stop));

    /// <summary>
    /// Has a client write all the time while <paramref name="disturb"/> runs, waits until <paramref name="settled"/>, then
    /// compares every member with every acknowledgement. The row goes into the table whatever it says.
    /// </summary>
    public async Task<ScenarioOutcome> UnderLoadAsync(string scenario, Func<WritingClient, Task> disturb, Func<Task> settled)
    {
        try
        {
            await using var watch = new LeadershipWatch(Membership.Reachable);
            await using var client = new WritingClient($"{Interlocked.Increment(ref _runs):D2}", Membership.Reachable, _acknowledged);
            await client.AcknowledgedAsync(50, Patience);
            client.Record.Restart();
            await disturb(client);
            await settled();
            await client.AcknowledgedAsync(100, Patience);
            var record = await client.StopAsync();
            var row = await CompareAsync(scenario, record, await watch.StopAsync());
            environment.Table.Add(row);
            return row;
        }
        catch (Exception exception)
        {
            await new Diagnostics(environment).DumpAsync(scenario, exception);
            throw;
        }
    }

    /// <summary>Deletes it and waits until nothing of it is left, its volumes included.</summary>
    public async Task DeleteAsync()
    {
        await KubectlAsync("delete", "raftcluster", name, "--ignore-not-found", "--timeout=180s");
        await Until.NothingIsMissingAsync($"{name} gone", Patience, async _ =>
        {
            var left = await KubectlAsync("get", "pods,pvc,statefulsets,services,secrets", "--selector", $"raft.io/cluster={name}", "-o", "name");
            return left.Trim().Length == 0 ? null : $"{left.Trim().ReplaceLineEndings(", ")} to go";
        });
        Membership.Forget();
        _acknowledged.Clear();
    }

    private async Task<ScenarioOutcome> CompareAsync(string scenario, WriteRecord record, int leadershipChanges)
    {
        var members = Membership.Reachable();
        var (lost, examples) = await Verification.CompareAsync(members, _acknowledged, record.LastRevision);
        var difference = await Verification.HashDifferenceAsync(members, record.LastRevision);
        return new ScenarioOutcome
        {
            Scenario = scenario,
            Members = members.Count,
            LeadershipChanges = leadershipChanges,
            LongestGap = record.LongestGap,
            FailedRequests = record.FailedRequests,
            FailedWrites = record.FailedWrites,
            Acknowledged = record.Acknowledged,
            Lost = lost,
            Duration = record.Duration,
            Contradictions = [.. examples, .. record.Contradictions, .. difference is null ? Array.Empty<string>() : [difference]],
            Failures = record.Failures,
        };
    }

    private static string? OperatorMisses(JsonNode resource, string version)
    {
        var generation = (long?)resource["metadata"]!["generation"];
        var status = resource["status"];
        if ((long?)status?["observedGeneration"] != generation)
            return $"generation {generation} was not observed yet";
        if ((string?)Condition(resource, "Available")?["status"] != "True")
            return string.Create(CultureInfo.InvariantCulture, $"not Available: {Condition(resource, "Available")?.ToJsonString()}");
        if ((string?)Condition(resource, "Progressing")?["status"] != "False")
            return $"still Progressing: {Condition(resource, "Progressing")?["message"]}";
        return (string?)status!["currentVersion"] == version ? null : $"the version is still {status["currentVersion"]}";
    }
}
