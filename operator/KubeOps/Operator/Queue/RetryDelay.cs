namespace KubeOps.Operator.Queue;

/// <summary>Delays that double with each failure up to a limit, and differ by chance so that retries do not come in step.</summary>
/// <param name="first">Delay after the first failure.</param>
/// <param name="longest">Delay that is never exceeded.</param>
/// <param name="random">Draws from [0, 1).</param>
public sealed class RetryDelay(TimeSpan first, TimeSpan longest, Func<double> random)
{
    /// <summary>Delay after that many failures before this one: between half of the doubled delay and all of it.</summary>
    public TimeSpan After(int failuresBefore)
    {
        var doubled = first.TotalSeconds * Math.Pow(2, Math.Min(failuresBefore, 60));
        return TimeSpan.FromSeconds(Math.Min(doubled, longest.TotalSeconds) * (0.5 + random() / 2));
    }
}
