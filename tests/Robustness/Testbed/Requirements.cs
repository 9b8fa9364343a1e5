namespace Raft.Robustness.Tests.Testbed;

/// <summary>What this suite needs of the machine.</summary>
internal static class Requirements
{
    /// <summary>Why the suite cannot run here; null if it can.</summary>
    public static async Task<string?> WhyNotAsync()
    {
        if (!OperatingSystem.IsLinux())
            return "network namespaces are Linux's";
        if (System.Environment.UserName != "root")
            return "network namespaces and mounts need root";
        foreach (var command in new[] { "ip -V", "iptables -V", "tc -V", "gcc --version" })
        {
            if ((await Shell.TryAsync(command)).ExitCode != 0)
                return $"'{command}' fails; install iproute2, iptables and gcc with libc6-dev";
        }
        var probe = $"rbt-probe-{System.Environment.ProcessId}";
        var (exitCode, output) = await Shell.TryAsync($"ip netns add {probe}");
        await Shell.TryAsync($"ip netns del {probe}");
        return exitCode == 0 ? null : $"no network namespace can be made here: {output.Trim()}";
    }
}
