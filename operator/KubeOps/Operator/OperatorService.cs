using KubeOps.Operator.LeaderElection;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Watching;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator;

/// <summary>The operator as a service of its host: watches always, works while it leads.</summary>
public sealed class OperatorService(
    IEnumerable<IEntityPipeline> pipelines,
    Leadership leadership,
    OperatorMetrics metrics,
    IHostApplicationLifetime lifetime,
    ILogger<OperatorService> logger) : BackgroundService
{
    private readonly IReadOnlyList<IEntityPipeline> _pipelines = [.. pipelines];

    /// <summary>Whether everything that there was at the start is known: before that the operator is not ready.</summary>
    public bool Listed => _pipelines.All(pipeline => pipeline.Listed);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watching = Task.WhenAll(_pipelines.Select(pipeline => pipeline.WatchAsync(stoppingToken)));
        try
        {
            await leadership.RunAsync(WorkAsync, stoppingToken).ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            // Somebody else may lead by now. Nothing of ours may still be under way, so nothing of ours may go on.
            logger.LogCritical(failure, "The operator cannot go on");
            Environment.ExitCode = 1;
            if (failure is TimeoutException) Environment.Exit(1);
            lifetime.StopApplication();
        }
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        metrics.Leading = true;
        try
        {
            await Task.WhenAll(_pipelines.Select(pipeline => pipeline.WorkAsync(cancellationToken))).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            metrics.Leading = false;
        }
    }
}
