using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Operator.Api;
using Raft.Operator.Effects;
using Raft.Operator.Host.Controllers;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Host.Tests;

/// <summary>One turn of the controller, with the world replaced by a list of what was asked of it.</summary>
public sealed class RaftClusterControllerTests : IClusterObserver, IStepExecutor, IStatusWriter
{
    private readonly List<string> _asked = [];

    /// <summary>
    /// The guard's patch names the resource version that was read, and a write of the status changes it. Under load the
    /// status has news at every turn: a guard that came second would be refused for ever, and no step carried out.
    /// </summary>
    [Fact]
    public async Task The_guard_writes_before_the_status_and_both_before_the_step()
    {
        var cluster = new RaftCluster { Metadata = new V1ObjectMeta { Name = "db", NamespaceProperty = "default", Uid = "1" } };
        cluster.Spec.Version = "v1";
        cluster.Spec.Storage.Retention.WhenDeleted = VolumeRetentionSpec.Delete;
        var guard = new VolumeGuard(client: null!, attach: (entity, _) =>
        {
            _asked.Add("guard");
            return Task.FromResult(entity);
        });
        var events = new ClusterEvents((_, _, _, _, _) => Task.CompletedTask);
        var controller = new RaftClusterController(
            this, this, this, guard, events, TimeProvider.System, NullLogger<RaftClusterController>.Instance);

        await controller.ReconcileAsync(cluster, TestContext.Current.CancellationToken);

        Assert.Equal(["guard", "status", "step"], _asked);
    }

    Task<ClusterObservation> IClusterObserver.ObserveAsync(RaftCluster cluster, CancellationToken cancellationToken) =>
        Task.FromResult(new ClusterObservation());

    Task<StepOutcome> IStepExecutor.ExecuteAsync(RaftCluster cluster, Step step, CancellationToken cancellationToken)
    {
        _asked.Add("step");
        return Task.FromResult(StepOutcome.Done);
    }

    Task<bool> IStatusWriter.WriteAsync(RaftCluster cluster, RaftClusterStatus status, CancellationToken cancellationToken)
    {
        _asked.Add("status");
        return Task.FromResult(false);
    }
}
