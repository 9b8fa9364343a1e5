using k8s.Autorest;
using k8s.LeaderElection;
using k8s.LeaderElection.ResourceLock;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.KubernetesClient;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator.LeaderElection;

/// <summary>Has at most one replica act: the one that holds a Lease.</summary>
public sealed class Leadership(IKubernetesClient client, OperatorSettings settings, LeaseIdentity identity, ILogger<Leadership> logger)
{
    /// <summary>
    /// Waits for the lease, then runs <paramref name="work"/> while it is held, again and again until told to stop. Its token is
    /// cancelled the moment that the lease can no longer be renewed, which is before anybody else can take it.
    /// </summary>
    /// <exception cref="TimeoutException">The work did not stop before the lease ran out: the process must end.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        if (settings.LeaderElectionType == LeaderElectionType.None)
        {
            await work(cancellationToken).ConfigureAwait(false);
            return;
        }

        while (!cancellationToken.IsCancellationRequested) await LeadOnceAsync(work, cancellationToken).ConfigureAwait(false);
    }

    private async Task LeadOnceAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var electing = new CancellationTokenSource();
        using var elector = NewElector();
        var working = Task.CompletedTask;
        elector.OnStartedLeading += () =>
        {
            logger.LogInformation("Leading as {Identity}", identity.Holder);
            working = Task.Run(() => work(leading.Token), CancellationToken.None);
        };
        elector.OnNewLeader += leader => logger.LogInformation("The leader is {Leader}", leader);
        elector.OnError += error => logger.LogWarning("The lease could not be had or renewed: {Problem}", error.Message);
        // The lease is renewed until the work has stopped, so that nobody begins while we still end.
        var election = elector.RunUntilLeadershipLostAsync(electing.Token);
        try
        {
            await election.WaitAsync(cancellationToken).ConfigureAwait(false);
            logger.LogWarning("Leadership was lost");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }

        await leading.CancelAsync().ConfigureAwait(false);
        var margin = cancellationToken.IsCancellationRequested
            ? settings.LeaderElectionLeaseDuration
            : settings.LeaderElectionLeaseDuration - settings.LeaderElectionRenewDeadline;
        await working.WaitAsync(margin, CancellationToken.None).ConfigureAwait(false);
        await electing.CancelAsync().ConfigureAwait(false);
        await election.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
        await GiveBackAsync().ConfigureAwait(false);
    }

    private LeaderElector NewElector() => new(
        new LeaderElectionConfig(new LeaseLock(client.ApiClient, identity.Namespace, identity.Lease, identity.Holder))
        {
            LeaseDuration = settings.LeaderElectionLeaseDuration,
            RenewDeadline = settings.LeaderElectionRenewDeadline,
            RetryPeriod = settings.LeaderElectionRetryPeriod,
        });

    /// <summary>A lease that is given back can be taken at once; one that is kept must run out first.</summary>
    private async Task GiveBackAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            var lease = await client.GetAsync<V1Lease>(identity.Lease, identity.Namespace, limit.Token).ConfigureAwait(false);
            if (lease?.Spec?.HolderIdentity != identity.Holder) return;
            lease.Spec.HolderIdentity = string.Empty;
            lease.Spec.LeaseDurationSeconds = 1;
            await client.UpdateAsync(lease, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HttpOperationException or HttpRequestException or OperationCanceledException)
        {
            logger.LogInformation("The lease was not given back; it will run out: {Problem}", failure.Message);
        }
    }
}

/// <summary>Which lease is asked for, and by whom.</summary>
/// <param name="Namespace">Namespace of the Lease.</param>
/// <param name="Lease">Name of the Lease.</param>
/// <param name="Holder">Name of this replica; no two may share one.</param>
public sealed record LeaseIdentity(string Namespace, string Lease, string Holder);
