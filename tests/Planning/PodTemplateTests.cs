using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Planning.Tests;

/// <summary>What Kubernetes is told of a member's pod.</summary>
public sealed class PodTemplateTests
{
    /// <summary>The story: a probe that read linearizably, behind a long command, made all pods unready, and the Service led nowhere.</summary>
    [Fact]
    public void A_pod_is_ready_and_live_by_what_its_member_knows_without_asking_others()
    {
        var container = PodTemplateBuilder.Build(Given.Cluster()).Spec.Containers.Single();

        Assert.Equal("/readyz/follows_leader", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal("/livez", container.LivenessProbe.HttpGet.Path);
    }
}
