using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.KubernetesClient;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Host.Controllers;
using Raft.Operator.Host.Tests.Kubernetes;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Tests;

/// <summary>The whole operator against a real API server, with the rights of its chart. Pods are never made: there is no controller.</summary>
public sealed class OperatorTests(ApiServer server) : IAsyncLifetime
{
    private string _namespace = null!;
    private Clusters _clusters = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _namespace = await server.NewNamespaceAsync();
        _clusters = new Clusters(server, _namespace);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task It_makes_all_that_a_cluster_needs_and_says_so()
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        await _clusters.CreateAsync("db");
        await Until.TrueAsync("the StatefulSet is there", () => ExistsAsync(StatefulSetAsync));
        await server.Admin.CoreV1.ReadNamespacedServiceAsync("db-peers", _namespace, cancellationToken: Stop);
        await server.Admin.CoreV1.ReadNamespacedServiceAsync("db-client", _namespace, cancellationToken: Stop);
        await server.Admin.CoreV1.ReadNamespacedServiceAccountAsync("db", _namespace, cancellationToken: Stop);
        foreach (var secret in (string[])["db-ca", "db-ca-peers", "db-server-tls", "db-peer-tls", "db-client-tls"])
            await server.Admin.CoreV1.ReadNamespacedSecretAsync(secret, _namespace, cancellationToken: Stop);
        await Until.TrueAsync("events tell the steps", async () =>
            (await server.Admin.CoreV1.ListNamespacedEventAsync(_namespace, cancellationToken: Stop)).Items.Any(one => one.InvolvedObject.Name == "db" && one.Reason == "CreateOrUpdateObject"));
        await Until.TrueAsync("the status is of this generation and not Available", async () =>
            await _clusters.GetAsync("db") is { Status.ObservedGeneration: 1 } cluster && Clusters.Condition(cluster, ConditionTypes.Available) == "False");
    }

    [Fact]
    public async Task It_puts_back_what_others_delete_and_change()
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        await _clusters.CreateAsync("db");
        await Until.TrueAsync("the StatefulSet is there", () => ExistsAsync(StatefulSetAsync));
        await DeleteAsync<V1Service>("db-client");
        await Until.TrueAsync("the Service is back", () => ExistsAsync(() => server.Admin.CoreV1.ReadNamespacedServiceAsync("db-client", _namespace, cancellationToken: Stop)));

        await server.Admin.AppsV1.PatchNamespacedStatefulSetAsync(
            new V1Patch("""{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}""", V1Patch.PatchType.MergePatch), "db", _namespace, cancellationToken: Stop);
        await Until.TrueAsync("the update strategy is back", async () => (await StatefulSetAsync()).Spec.UpdateStrategy.Type == "OnDelete");
    }

    [Fact]
    public async Task What_the_server_cannot_refuse_is_reported_and_nothing_is_touched()
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        await _clusters.CreateAsync("db", spec => spec.Storage.Size = "8Gi");
        await Until.TrueAsync("the StatefulSet is there", () => ExistsAsync(StatefulSetAsync));
        var before = (await StatefulSetAsync()).Metadata.Generation;
        await _clusters.PatchAsync("db", """{"spec":{"storage":{"size":"4Gi"},"version":"v2"}}""");
        await Until.TrueAsync("the problem is a condition", async () =>
            Clusters.Condition(await _clusters.GetAsync("db"), ConditionTypes.SpecValid) == "False");
        await Until.TrueAsync("and a warning", async () =>
            (await server.Admin.CoreV1.ListNamespacedEventAsync(_namespace, cancellationToken: Stop)).Items
                .Any(one => one.Type == "Warning" && one.Message.Contains("shrink", StringComparison.Ordinal)));
        Assert.Equal(before, (await StatefulSetAsync()).Metadata.Generation);

        await _clusters.PatchAsync("db", """{"spec":{"storage":{"size":"8Gi"}}}""");
        await Until.TrueAsync("the correction is taken up", async () =>
            (await StatefulSetAsync()).Spec.Template.Spec.Containers.Any(container => container.Image.EndsWith(":v2", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"spec":{"replicas":0}}""")]
    [InlineData("""{"spec":{"storage":{"size":"a lot"}}}""")]
    [InlineData("""{"spec":{"version":"no tag"}}""")]
    [InlineData("""{"spec":{"storage":{"retention":{"whenDeleted":"Perhaps"}}}}""")]
    public async Task What_the_schema_refuses_never_reaches_the_operator(string patch)
    {
        await _clusters.CreateAsync("db");
        var refusal = await Assert.ThrowsAsync<HttpOperationException>(() => _clusters.PatchAsync("db", patch));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refusal.Response.StatusCode);
    }

    [Fact]
    public async Task A_cluster_deleted_in_the_middle_of_a_change_goes_and_takes_its_claims_along()
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        var cluster = await _clusters.CreateAsync("db", spec => spec.Storage.Retention.WhenDeleted = VolumeRetentionSpec.Delete);
        await Until.TrueAsync("the finalizer is on", async () => (await _clusters.GetAsync("db")).Metadata.Finalizers?.Contains(RaftClusterFinalizer.Identifier) == true);
        await Until.TrueAsync("the StatefulSet is there", () => ExistsAsync(StatefulSetAsync));
        await server.Admin.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(ClaimOf(cluster), _namespace, cancellationToken: Stop);
        await _clusters.DeleteAsync("db");
        await Until.TrueAsync("it is gone", async () => !await ExistsAsync(() => _clusters.GetAsync("db")));
        var claim = await server.Admin.CoreV1.ReadNamespacedPersistentVolumeClaimAsync("data-db-0", _namespace, cancellationToken: Stop);
        Assert.Contains(claim.Metadata.OwnerReferences, owner => owner.Uid == cluster.Metadata.Uid);
    }

    [Theory]
    [InlineData("db-ca", "db-server-tls")]
    [InlineData("db-ca-peers", "db-peer-tls")]
    public async Task An_authority_that_somebody_deletes_is_replaced_and_its_certificates_stay_trusted_meanwhile(string authority, string leaf)
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        await _clusters.CreateAsync("db");
        await Until.TrueAsync("the StatefulSet is there", () => ExistsAsync(StatefulSetAsync));
        var before = await SecretAsync(leaf);
        await DeleteAsync<V1Secret>(authority);
        await Until.TrueAsync("both authorities are trusted", async () => Certificates(await SecretAsync(leaf), "ca.crt") == 2);
        Assert.Equal(before.Data["tls.crt"], (await SecretAsync(leaf)).Data["tls.crt"]);
        Assert.Equal(2, Certificates(await SecretAsync(authority), "ca.crt"));

        Task<V1Secret> SecretAsync(string name) => server.Admin.CoreV1.ReadNamespacedSecretAsync(name, _namespace, cancellationToken: Stop);
        static int Certificates(V1Secret secret, string key) => Effects.Certificates.SecretReader.Certificates(secret, key).Count;
    }

    [Fact]
    public async Task A_budget_goes_when_the_spec_asks_for_none()
    {
        await using var running = await RunningOperator.StartAsync(server, _namespace);
        await _clusters.CreateAsync("db");
        await Until.TrueAsync("the budget is there", () => ExistsAsync(BudgetAsync));
        await _clusters.PatchAsync("db", """{"spec":{"disruptionBudget":{"enabled":false}}}""");
        await Until.TrueAsync("the budget is gone", async () => !await ExistsAsync(BudgetAsync));

        Task<object> BudgetAsync() => server.Admin.CustomObjects.GetNamespacedCustomObjectAsync("policy", "v1beta1", _namespace, "poddisruptionbudgets", "db", Stop);
    }

    [Fact]
    public async Task The_finalizer_tries_again_for_a_minute_and_then_lets_go()
    {
        var cluster = await _clusters.CreateAsync("db", spec => spec.Storage.Retention.WhenDeleted = VolumeRetentionSpec.Delete);
        await server.Admin.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(ClaimOf(cluster), _namespace, cancellationToken: Stop);
        using var client = new KubernetesClient(server.NewAdminClient());
        var finalizer = new RaftClusterFinalizer(client, new NothingWorks(), TimeProvider.System, NullLogger<RaftClusterFinalizer>.Instance);

        cluster.Metadata.DeletionTimestamp = DateTime.UtcNow;
        Assert.Equal("it does not work", (await finalizer.FinalizeAsync(cluster, Stop)).ErrorMessage);
        cluster.Metadata.DeletionTimestamp = DateTime.UtcNow - TimeSpan.FromMinutes(2);
        Assert.True((await finalizer.FinalizeAsync(cluster, Stop)).IsSuccess);
    }

    [Fact]
    public async Task Of_two_replicas_one_acts_and_the_other_takes_over_at_once_when_it_stops()
    {
        await using var first = await RunningOperator.StartAsync(server, _namespace, "first", leaderElection: true);
        await Until.TrueAsync("the first leads", async () => await HolderAsync() == "first");
        await using var second = await RunningOperator.StartAsync(server, _namespace, "second", leaderElection: true);
        await _clusters.CreateAsync("db");
        await Until.TrueAsync("the first acts", () => ExistsAsync(StatefulSetAsync));
        Assert.Equal("first", await HolderAsync());

        var stopped = DateTime.UtcNow;
        await first.StopAsync();
        await Until.TrueAsync("the second leads", async () => await HolderAsync() == "second");
        Assert.InRange(DateTime.UtcNow - stopped, TimeSpan.Zero, TimeSpan.FromSeconds(12));
        await DeleteAsync<V1Service>("db-client");
        await Until.TrueAsync("the second acts", () => ExistsAsync(() => server.Admin.CoreV1.ReadNamespacedServiceAsync("db-client", _namespace, cancellationToken: Stop)));
    }

    private sealed class NothingWorks : IStepExecutor
    {
        public Task<StepOutcome> ExecuteAsync(RaftCluster cluster, Step step, CancellationToken cancellationToken) =>
            Task.FromResult(new StepOutcome("it does not work"));
    }

    private static V1PersistentVolumeClaim ClaimOf(RaftCluster cluster) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"data-{cluster.Metadata.Name}-0", Labels = Labels.All(cluster) },
        Spec = new V1PersistentVolumeClaimSpec
        {
            AccessModes = ["ReadWriteOnce"],
            Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new("8Gi") } },
        },
    };

    private async Task<string?> HolderAsync()
    {
        try
        {
            return (await server.Admin.CoordinationV1.ReadNamespacedLeaseAsync(OperatorHost.Name, ApiServer.OperatorNamespace, cancellationToken: Stop)).Spec.HolderIdentity;
        }
        catch (HttpOperationException missing) when (missing.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Servers answer with the object or with a status, as their version pleases: nobody reads it here.</summary>
    private async Task DeleteAsync<T>(string name)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        using var client = new KubernetesClient(server.NewAdminClient());
        await client.DeleteAsync<T>(name, _namespace, Stop);
    }

    private Task<V1StatefulSet> StatefulSetAsync() => server.Admin.AppsV1.ReadNamespacedStatefulSetAsync("db", _namespace, cancellationToken: Stop);

    private static async Task<bool> ExistsAsync<T>(Func<Task<T>> read)
    {
        try
        {
            await read();
            return true;
        }
        catch (HttpOperationException missing) when (missing.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }
}
