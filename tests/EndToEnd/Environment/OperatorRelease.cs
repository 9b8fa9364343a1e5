namespace Raft.EndToEnd.Tests.Environment;

/// <summary>The operator as Helm installs it.</summary>
internal sealed class OperatorRelease(KubernetesAccess kubernetes, string registry, string tag)
{
    public const string Namespace = "raft-system";
    public const string Release = "raft-operator";
    public const string Selector = "app.kubernetes.io/name=raft-operator";

    private string Chart => Path.Combine(kubernetes.Repository, "charts/raft-operator");

    /// <summary>Installs or upgrades, waits until it is ready. <paramref name="settings"/> are further `--set` values.</summary>
    public Task InstallAsync(params string[] settings) => kubernetes.HelmAsync(
        [
            "upgrade", "--install", Release, Chart, "--namespace", Namespace, "--create-namespace", "--wait", "--timeout", "3m",
            "--set", $"image.repository={registry}/raft-operator,image.tag={tag}",
            .. settings.SelectMany(setting => new[] { "--set", setting }),
        ]);

    public Task UninstallAsync() => kubernetes.HelmAsync("uninstall", Release, "--namespace", Namespace, "--wait", "--timeout", "2m");

    /// <summary>The pods go at once, as with a power cut: no lease is given back, no step is finished.</summary>
    public Task KillAsync() => kubernetes.KubectlAsync(
        "delete", "pod", "--namespace", Namespace, "--selector", Selector, "--grace-period=0", "--force", "--wait=false");

    /// <summary>Kills the operator every few seconds, in the middle of whatever it does, until the work is done.</summary>
    public async Task<int> KillWhileAsync(Task work, int times, TimeSpan interval)
    {
        var kills = 0;
        while (kills < times && await Task.WhenAny(work, Task.Delay(interval)) != work)
        {
            await KillAsync();
            kills++;
        }

        await work;
        return kills;
    }
}
