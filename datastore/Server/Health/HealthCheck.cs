namespace Raft.Server.Health;

/// <summary>One thing that a page of health looks at, under etcd's name.</summary>
/// <param name="Name">How it is shown, asked for by itself, and left out.</param>
/// <param name="WhyNotAsync">Gives what is wrong; null: nothing.</param>
internal sealed record HealthCheck(string Name, Func<CancellationToken, ValueTask<string?>> WhyNotAsync)
{
    /// <summary>Makes these checks, and writes what came of them as etcd does.</summary>
    /// <param name="checks">Which.</param>
    /// <param name="excluded">Names of those that do not count; a name that there is not is passed over.</param>
    /// <param name="isVerbose">Tells of each check also when all is well.</param>
    /// <param name="cancellation">Whoever asked is gone.</param>
    public static async Task<(bool IsWell, string Text)> MakeAsync(
        IEnumerable<HealthCheck> checks, IReadOnlyCollection<string> excluded, bool isVerbose, CancellationToken cancellation)
    {
        var (isWell, lines) = (true, "");
        foreach (var check in checks.Where(check => !excluded.Contains(check.Name)))
        {
            var reason = await check.WhyNotAsync(cancellation);
            isWell &= reason is null;
            lines += reason is null ? $"[+]{check.Name} ok\n" : $"[-]{check.Name} failed: {reason}\n";
        }

        return (isWell, !isWell ? lines + "\n" : isVerbose ? lines + "ok\n" : "ok\n");
    }
}
