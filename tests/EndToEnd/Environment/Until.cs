using System.Diagnostics;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>Waits for a condition of the cluster, and says what was missing when it never came.</summary>
internal static class Until
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Asks again and again until <paramref name="missing"/> answers null, that is, until nothing is missing. What it throws
    /// counts as missing too: a pod between two lives refuses connections.
    /// </summary>
    public static async Task NothingIsMissingAsync(string what, TimeSpan patience, Func<CancellationToken, Task<string?>> missing)
    {
        var waited = Stopwatch.StartNew();
        string? last = "it was never asked";
        while (waited.Elapsed < patience)
        {
            using var once = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                last = await missing(once.Token);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                last = $"{exception.GetType().Name}: {exception.Message}";
            }

            if (last is null)
                return;
            await Task.Delay(Interval);
        }

        throw new TimeoutException($"{what}: not after {patience.TotalSeconds:0} s; still missing: {last}");
    }
}
