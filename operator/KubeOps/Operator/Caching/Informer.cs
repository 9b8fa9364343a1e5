using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.KubernetesClient;
using KubeOps.Operator.Metrics;
using KubeOps.Operator.Queue;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator.Caching;

/// <summary>
/// Keeps a store in step with the API server: a list, then a watch from that version on. A watch that ends is taken up where
/// it ended; one whose version is too old (410 Gone) begins anew with a list, which is compared with what was known.
/// </summary>
/// <param name="client">How the server is reached.</param>
/// <param name="scope">What is watched.</param>
/// <param name="olderVersions">Versions to ask for where the server does not know the type's own, newest first.</param>
/// <param name="time">The clock.</param>
/// <param name="metrics">Where restarts are counted.</param>
/// <param name="logger">Where trouble is told.</param>
public sealed class Informer<TEntity>(
    KubernetesClient.KubernetesClient client,
    Func<CancellationToken, ValueTask<ListScope>> scope,
    IReadOnlyList<string> olderVersions,
    TimeProvider time,
    OperatorMetrics metrics,
    ILogger<Informer<TEntity>> logger) : IInformer
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    // The server ends each watch after 290 s. One that outlives that by a minute hangs on a dead connection.
    private static readonly TimeSpan LongestWatch = TimeSpan.FromSeconds(350);

    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RetryDelay _delay = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30), Random.Shared.NextDouble);

    // Position in olderVersions; -1 is the type's own version.
    private int _older = -1;

    /// <summary>Told of every change, in order, on the informer's own task: it must not take long.</summary>
    public event Action<ObjectChange<TEntity>>? Changed;

    /// <summary>What is known.</summary>
    public ObjectStore<TEntity> Store { get; } = new();

    /// <inheritdoc/>
    public Task Listed => _listed.Task;

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        string? version = null;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                version ??= await ListAsync(cancellationToken).ConfigureAwait(false);
                await foreach (var reached in FollowAsync(version, cancellationToken).ConfigureAwait(false))
                {
                    version = reached;
                    failures = 0;
                }
            }
            catch (HttpOperationException gone) when (gone.Response?.StatusCode == HttpStatusCode.Gone)
            {
                version = null;
                metrics.WatchRestarted(typeof(TEntity).Name, "gone");
            }
            catch (HttpOperationException missing) when (missing.Response?.StatusCode == HttpStatusCode.NotFound && _older + 1 < olderVersions.Count)
            {
                _older++;
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                // Whatever went wrong, watching goes on: an operator that stopped seeing would look healthy and do nothing.
                metrics.WatchRestarted(typeof(TEntity).Name, "failure");
                logger.LogWarning("Watching {Type} failed, trying again: {Problem}", typeof(TEntity).Name, failure.Message);
                await Task.Delay(_delay.After(failures++), time, cancellationToken).ConfigureAwait(false);
                // Two failures in a row: perhaps the version itself is what the server cannot digest.
                if (failures > 1) version = null;
            }
        }
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var (items, version) = await client.ListAtVersionAsync<TEntity>(
            await ScopeAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        foreach (var change in Store.Replace(items)) Changed?.Invoke(change);
        _listed.TrySetResult();
        return version;
    }

    private async IAsyncEnumerable<string> FollowAsync(
        string version, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LongestWatch);
        var changes = client.WatchAsync<TEntity>(await ScopeAsync(cancellationToken).ConfigureAwait(false), version, true, limit.Token);
        await foreach (var (type, entity) in changes.ConfigureAwait(false))
        {
            if (type != WatchEventType.Bookmark && Store.Apply(type, entity) is { } change) Changed?.Invoke(change);
            yield return entity.Metadata.ResourceVersion;
        }
    }

    private async ValueTask<ListScope> ScopeAsync(CancellationToken cancellationToken)
    {
        var newest = await scope(cancellationToken).ConfigureAwait(false);
        return _older < 0 ? newest : newest with { Path = newest.Path with { Version = olderVersions[_older] } };
    }
}

/// <summary>An informer of whatever type.</summary>
public interface IInformer
{
    /// <summary>Done once everything that there was at the start is known.</summary>
    Task Listed { get; }

    /// <summary>Lists and watches until told to stop.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}
