namespace Raft.EndToEnd.Tests.Environment;

/// <summary>
/// The nodes below Kubernetes, through the script <c>cluster/cluster</c>: the only way in which these tests break what
/// Kubernetes itself cannot break. A given cluster's nodes are not ours; a test that needs them is then skipped.
/// </summary>
internal sealed class Machine(string repository)
{
    private const int NotPossible = 3;
    private readonly string _script = Path.Combine(repository, "tests/EndToEnd/cluster/cluster");

    /// <summary>Which implementation runs: plain, kind or given.</summary>
    public async Task<string> WhichAsync() => (await Command.RunAsync(_script, ["which"])).Trim();

    /// <summary>Kills the node's kubelet and every container on it, without a goodbye.</summary>
    public Task StopNodeAsync(string node) => BreakAsync("stop-node", node);

    public Task StartNodeAsync(string node) => BreakAsync("start-node", node);

    /// <summary>SIGKILL for the processes in a pod's containers.</summary>
    public Task KillAsync(string ns, string pod) => BreakAsync("kill", ns, pod);

    private async Task BreakAsync(params string[] arguments)
    {
        try
        {
            await Command.RunAsync(_script, arguments);
        }
        catch (CommandFailedException failure) when (failure.Code == NotPossible)
        {
            Assert.Skip($"this Kubernetes cannot be broken from here: {string.Join(' ', arguments)}");
        }
    }
}
