namespace Raft.Transport;

/// <summary>
/// Pauses between attempts to connect: each twice the one before, less a random part so that members do not call in step. A
/// sign of life from the other side ends a pause at once.
/// </summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max) : IDisposable
{
    private readonly SemaphoreSlim _signOfLife = new(0, 1);
    private int _failures;

    public void Succeeded() => _failures = 0;

    /// <summary>The other member is there: try now.</summary>
    public void Hurry()
    {
        try
        {
            _signOfLife.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // The next pause ends early already, or there is none.
        }
    }

    public void Dispose() => _signOfLife.Dispose();

    public async Task PauseAsync(CancellationToken cancellation)
    {
        var factor = Math.Pow(2, Math.Min(_failures++, 20));
        var longest = TimeSpan.FromTicks((long)Math.Min(max.Ticks, min.Ticks * factor));
#pragma warning disable CA5394 // No secret depends on it.
        var pause = longest * (0.5 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394
        if (await _signOfLife.WaitAsync(pause, cancellation).ConfigureAwait(false))
        {
            _failures = 0;
        }
    }
}
