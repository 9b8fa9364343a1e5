using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using k8s;
using k8s.Models;

[assembly: AssemblyFixture(typeof(Raft.Operator.Host.Tests.Kubernetes.ApiServer))]

namespace Raft.Operator.Host.Tests.Kubernetes;

/// <summary>
/// A real kube-apiserver with an etcd of its own, on ports of its own: no nodes, no controllers, only what stores and checks.
/// The operator's chart is installed in it, so that the operator runs with the rights that the chart gives it and no others.
/// </summary>
public sealed class ApiServer : IAsyncLifetime
{
    /// <summary>Namespace in which the chart is installed.</summary>
    public const string OperatorNamespace = "raft-system";

    private const string AdminToken = "admin-token";
    private const string OperatorToken = "operator-token";
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(3);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-api-server-");
    private readonly List<Process> _processes = [];
    private int _port;

    /// <summary>Everything is allowed to it.</summary>
    public IKubernetes Admin { get; private set; } = null!;

    /// <summary>A kubeconfig for the administrator.</summary>
    public string Kubeconfig => Path.Combine(_folder.FullName, "kubeconfig");

    public async ValueTask InitializeAsync()
    {
        var etcd = Program("etcd", "/usr/bin/etcd", "install the Debian package etcd-server");
        var binaries = Environment.GetEnvironmentVariable("RAFT_KUBERNETES_BIN") ?? await BuiltProgramsAsync();
        var apiServer = Program(
            "kube-apiserver", Path.Combine(binaries, "kube-apiserver"),
            "run tests/EndToEnd/cluster/plain/build-kubernetes.sh, or name a folder with it in RAFT_KUBERNETES_BIN");

        var (etcdPort, peerPort) = (FreePort(), FreePort());
        _port = FreePort();
        Start(
            etcd, $"--data-dir={Inside("etcd")}", "--unsafe-no-fsync", $"--listen-client-urls=http://127.0.0.1:{etcdPort}",
            $"--advertise-client-urls=http://127.0.0.1:{etcdPort}", $"--listen-peer-urls=http://127.0.0.1:{peerPort}",
            $"--initial-advertise-peer-urls=http://127.0.0.1:{peerPort}", $"--initial-cluster=default=http://127.0.0.1:{peerPort}");
        using (var key = RSA.Create(2048)) await File.WriteAllTextAsync(Inside("accounts.key"), key.ExportRSAPrivateKeyPem());
        await File.WriteAllTextAsync(
            Inside("tokens.csv"),
            $"""
            {AdminToken},admin,1,"system:masters"
            {OperatorToken},system:serviceaccount:{OperatorNamespace}:raft-operator,2,"system:serviceaccounts,system:authenticated"

            """);
        // Service accounts get no tokens without a controller; pods are never made here.
        Start(
            apiServer, $"--etcd-servers=http://127.0.0.1:{etcdPort}", $"--secure-port={_port}", "--bind-address=127.0.0.1",
            $"--cert-dir={Inside("certificates")}", "--service-cluster-ip-range=10.0.0.0/16", "--authorization-mode=RBAC",
            $"--token-auth-file={Inside("tokens.csv")}", "--service-account-issuer=https://kubernetes.default.svc",
            $"--service-account-key-file={Inside("accounts.key")}", $"--service-account-signing-key-file={Inside("accounts.key")}",
            "--disable-admission-plugins=ServiceAccount");
        Admin = NewClient(AdminToken);
        await WriteKubeconfigAsync();
        await Until.TrueAsync("the API server is ready", StartPatience, ReadyAsync);
        await Helm.RunAsync(
            "upgrade", "--install", "raft-operator", Repository.Find("charts/raft-operator"), "--kubeconfig", Kubeconfig,
            "--namespace", OperatorNamespace, "--create-namespace");
        await Until.TrueAsync("RaftClusters are served", StartPatience, async () =>
            (await Admin.ApiextensionsV1.ReadCustomResourceDefinitionAsync("raftclusters.raft.io")).Status?.Conditions?
                .Any(condition => condition is { Type: "Established", Status: "True" }) == true);
    }

    /// <summary>A client with the rights that the chart gives to the operator.</summary>
    public IKubernetes NewOperatorClient(params DelegatingHandler[] handlers) => NewClient(OperatorToken, handlers);

    /// <summary>A client to which everything is allowed.</summary>
    public IKubernetes NewAdminClient(params DelegatingHandler[] handlers) => NewClient(AdminToken, handlers);

    /// <summary>A namespace of the caller's own.</summary>
    public async Task<string> NewNamespaceAsync()
    {
        var created = await Admin.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { GenerateName = "test-" } });
        return created.Metadata.Name;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in Enumerable.Reverse(_processes))
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Admin?.Dispose();
        _folder.Delete(recursive: true);
    }

    private k8s.Kubernetes NewClient(string token, params DelegatingHandler[] handlers) => new(
        new KubernetesClientConfiguration { Host = $"https://127.0.0.1:{_port}", AccessToken = token, SkipTlsVerify = true }, handlers);

    private async Task<bool> ReadyAsync()
    {
        foreach (var process in _processes)
            if (process.HasExited)
                throw new InvalidOperationException(
                    $"{process.StartInfo.ArgumentList[2]} ended:\n{await File.ReadAllTextAsync(LogOf(process.StartInfo.ArgumentList[2]))}");
        try
        {
            // RBAC fills in its own roles after the start; before that even the administrator is refused.
            await Admin.CoreV1.ReadNamespaceAsync("default");
            await Admin.RbacAuthorizationV1.ReadClusterRoleAsync("cluster-admin");
            return true;
        }
        catch (Exception notYet) when (notYet is HttpRequestException or k8s.Autorest.HttpOperationException)
        {
            return false;
        }
    }

    private void Start(string program, params string[] arguments)
    {
        // The shell gives its place to the program, so that its output goes to a file without anyone to read it.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = _folder.FullName };
        foreach (var argument in (string[])["-c", $"exec \"$0\" \"$@\" > '{LogOf(program)}' 2>&1", program, .. arguments]) start.ArgumentList.Add(argument);
        _processes.Add(Process.Start(start)!);
    }

    private Task WriteKubeconfigAsync() => File.WriteAllTextAsync(
        Kubeconfig,
        $$$"""
        apiVersion: v1
        kind: Config
        current-context: test
        contexts: [{name: test, context: {cluster: test, user: admin}}]
        clusters: [{name: test, cluster: {server: "https://127.0.0.1:{{{_port}}}", insecure-skip-tls-verify: true}}]
        users: [{name: admin, user: {token: {{{AdminToken}}}}}]
        """);

    private string Inside(string name) => Path.Combine(_folder.FullName, name);

    private string LogOf(string program) => Inside($"{Path.GetFileName(program)}.log");

    private static string Program(string name, string path, string remedy) => File.Exists(path)
        ? path
        : throw new FileNotFoundException($"{name} is not at {path}, and these tests need it: {remedy}");

    /// <summary>Where build-kubernetes.sh leaves what it builds, by its own word.</summary>
    private static async Task<string> BuiltProgramsAsync()
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["-c", "source \"$0\" && echo \"$binaries\"", Repository.Find("tests/EndToEnd/cluster/plain/settings.sh")])
            start.ArgumentList.Add(argument);
        using var shell = Process.Start(start)!;
        var folder = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return folder.Trim();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
