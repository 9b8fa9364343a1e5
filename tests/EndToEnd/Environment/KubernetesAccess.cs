using System.Text.Json.Nodes;
using k8s;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>
/// The Kubernetes under test. Whatever a user would do is done with kubectl and helm; what only looks goes through the
/// client library, which is cheaper.
/// </summary>
internal sealed class KubernetesAccess : IDisposable
{
    public KubernetesAccess(string repository, string implementation)
    {
        Repository = repository;
        Machine = new Machine(repository);
        Client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(System.Environment.GetEnvironmentVariable("KUBECONFIG")));
        var forward = System.Environment.GetEnvironmentVariable("RAFT_E2E_DIAL") switch
        {
            "direct" => false,
            "forward" => true,
            _ => implementation != "plain",
        };
        Dialer = new PodDialer(Client, forward);
    }

    public string Repository { get; }

    public Machine Machine { get; }

    public Kubernetes Client { get; }

    public PodDialer Dialer { get; }

    public Task<string> KubectlAsync(params string[] arguments) => Command.RunAsync("kubectl", arguments);

    public Task<string> HelmAsync(params string[] arguments) => Command.RunAsync("helm", arguments);

    public Task<string> ApplyAsync(string yaml) => Command.RunAsync("kubectl", ["apply", "-f", "-"], yaml);

    public async Task<JsonNode> GetJsonAsync(params string[] arguments) =>
        JsonNode.Parse(await KubectlAsync(["get", .. arguments, "-o", "json"]))!;

    public void Dispose() => Client.Dispose();
}
