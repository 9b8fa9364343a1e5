using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Abstractions.Reconciliation;
using KubeOps.Abstractions.Reconciliation.Controller;
using KubeOps.Abstractions.Reconciliation.Finalizer;
using KubeOps.KubernetesClient;
using KubeOps.Operator;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Queue;
using KubeOps.Operator.Reconciliation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Raft.Operator.KubeOps.Tests.Reconciliation;

public sealed class ReconcilerTests : IDisposable
{
    private static readonly EntityKey Key = new("space", "a");

    private readonly ObjectStore<V1ConfigMap> _store = new();
    private readonly OneObjectClient _client = new();
    private readonly ScriptedController _controller = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task A_failure_without_a_delay_is_tried_again_for_ever_with_growing_delays()
    {
        Exists();
        _controller.Next = entity => ReconciliationResult<V1ConfigMap>.Failure(entity, "no");
        var reconciler = NewReconciler();
        var delays = new List<double>();
        for (var round = 0; round < 12; round++) delays.Add((await reconciler.ReconcileAsync(Key, Stop)).Again!.Value.TotalSeconds);
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60], delays);
    }

    [Fact]
    public async Task An_exception_is_a_failure_like_any_other_and_a_success_forgets_them()
    {
        Exists();
        var reconciler = NewReconciler();
        _controller.Next = _ => throw new InvalidOperationException("bug");
        await reconciler.ReconcileAsync(Key, Stop);
        Assert.Equal(2, (await reconciler.ReconcileAsync(Key, Stop)).Again!.Value.TotalSeconds);
        _controller.Next = entity => ReconciliationResult<V1ConfigMap>.Success(entity);
        Assert.Equal(new Outcome("success", null), await reconciler.ReconcileAsync(Key, Stop));
        _controller.Next = _ => throw new InvalidOperationException("bug");
        Assert.Equal(1, (await reconciler.ReconcileAsync(Key, Stop)).Again!.Value.TotalSeconds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_delay_that_the_controller_asks_for_is_kept(bool success)
    {
        Exists();
        var delay = TimeSpan.FromSeconds(17);
        _controller.Next = entity => success
            ? ReconciliationResult<V1ConfigMap>.Success(entity, delay)
            : ReconciliationResult<V1ConfigMap>.Failure(entity, "later", requeueAfter: delay);
        Assert.Equal(delay, (await NewReconciler().ReconcileAsync(Key, Stop)).Again);
    }

    [Fact]
    public async Task What_is_gone_is_told_once_and_not_tried_again()
    {
        var reconciler = NewReconciler();
        reconciler.Remember(Object());
        Assert.Equal(new Outcome("gone", null), await reconciler.ReconcileAsync(Key, Stop));
        Assert.Equal(new Outcome("gone", null), await reconciler.ReconcileAsync(Key, Stop));
        Assert.Equal(1, _controller.Deleted);
    }

    [Fact]
    public async Task Our_finalizer_is_run_though_a_foreign_one_stands_first_and_only_ours_is_taken_off()
    {
        var entity = Object();
        entity.Metadata.Finalizers = ["somebody/else", "ours"];
        entity.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Exists(entity);
        await NewReconciler().ReconcileAsync(Key, Stop);
        Assert.Contains("""
            "finalizers":["somebody/else"]
            """.Trim(), _client.Patches.Single(), StringComparison.Ordinal);
        Assert.Equal(0, _controller.Reconciled);
    }

    [Fact]
    public async Task Finalizers_are_attached_before_the_first_reconciliation_beside_those_of_others()
    {
        var entity = Object();
        entity.Metadata.Finalizers = ["somebody/else"];
        Exists(entity);
        _controller.Next = one => ReconciliationResult<V1ConfigMap>.Success(one);
        await NewReconciler().ReconcileAsync(Key, Stop);
        Assert.Contains("""
            "finalizers":["somebody/else","ours"]
            """.Trim(), _client.Patches.Single(), StringComparison.Ordinal);
        Assert.Equal(1, _controller.Reconciled);
    }

    private Reconciler<V1ConfigMap> NewReconciler()
    {
        var services = new ServiceCollection()
            .AddSingleton<IEntityController<V1ConfigMap>>(_controller).AddSingleton<DoneFinalizer>().BuildServiceProvider();
        var settings = new OperatorSettingsBuilder { Name = "test" }.Build();
        return new Reconciler<V1ConfigMap>(
            services.GetRequiredService<IServiceScopeFactory>(),
            _store,
            _client,
            new Finalizers<V1ConfigMap>(_client, settings, [new FinalizerRegistration<V1ConfigMap>("ours", typeof(DoneFinalizer))]),
            new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), () => 1),
            NullLogger<Reconciler<V1ConfigMap>>.Instance);
    }

    private void Exists(V1ConfigMap? entity = null)
    {
        entity ??= Object();
        _store.Replace([entity]);
        _client.Entity = entity;
    }

    private static V1ConfigMap Object() =>
        new() { Metadata = new V1ObjectMeta { Name = "a", NamespaceProperty = "space", Uid = "1", ResourceVersion = "1", Finalizers = ["ours"] } };

    private sealed class ScriptedController : IEntityController<V1ConfigMap>
    {
        public Func<V1ConfigMap, ReconciliationResult<V1ConfigMap>> Next { get; set; } = entity => ReconciliationResult<V1ConfigMap>.Success(entity);

        public int Reconciled { get; private set; }

        public int Deleted { get; private set; }

        public Task<ReconciliationResult<V1ConfigMap>> ReconcileAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Reconciled++;
            return Task.FromResult(Next(entity));
        }

        public Task<ReconciliationResult<V1ConfigMap>> DeletedAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Deleted++;
            return Task.FromResult(ReconciliationResult<V1ConfigMap>.Success(entity));
        }
    }

    private sealed class DoneFinalizer : IEntityFinalizer<V1ConfigMap>
    {
        public Task<ReconciliationResult<V1ConfigMap>> FinalizeAsync(V1ConfigMap entity, CancellationToken cancellationToken) =>
            Task.FromResult(ReconciliationResult<V1ConfigMap>.Success(entity));
    }

    /// <summary>A server with one object, which notes the patches that it gets.</summary>
    private sealed class OneObjectClient : IKubernetesClient
    {
        public V1ConfigMap? Entity { get; set; }

        public ConcurrentQueue<string> Patches { get; } = new();

        public IKubernetes ApiClient => throw new NotSupportedException();

        public Task<TEntity?> GetAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => Task.FromResult((TEntity?)(object?)Entity);

        public Task<TEntity> PatchAsync<TEntity>(
            V1Patch patch, string name, string? @namespace = null, string? fieldManager = null, bool? force = null, string? dryRun = null,
            CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta>
        {
            Patches.Enqueue((string)patch.Content);
            return Task.FromResult((TEntity)(object)Entity!);
        }

        public Task<IList<TEntity>> ListAsync<TEntity>(
            string? @namespace = null, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<TEntity> CreateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<TEntity> UpdateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<TEntity> UpdateStatusAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<TEntity> SaveAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task DeleteAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> WatchAsync<TEntity>(
            string? @namespace = null, string? resourceVersion = null, string? labelSelector = null, string? fieldSelector = null,
            bool? allowWatchBookmarks = null, CancellationToken cancellationToken = default)
            where TEntity : IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
