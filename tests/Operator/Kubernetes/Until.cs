namespace Raft.Operator.Host.Tests.Kubernetes;

/// <summary>Waits for something that is seen only by asking.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(string what, Func<Task<bool>> condition) => TrueAsync(what, Patience, condition);

    public static async Task TrueAsync(string what, TimeSpan patience, Func<Task<bool>> condition)
    {
        var deadline = DateTime.UtcNow + patience;
        while (!await condition())
        {
            if (DateTime.UtcNow > deadline) throw new TimeoutException($"not within {patience.TotalSeconds} s: {what}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
