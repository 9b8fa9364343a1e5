using k8s;
using Raft.Operator.Api;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Tests.Charts;

public sealed class ClusterChartTests
{
    [Fact]
    public async Task Without_values_it_asks_for_three_members_and_nothing_is_wrong_with_it()
    {
        var cluster = await RenderAsync();
        Assert.Equal("charted", cluster.Metadata.Name);
        Assert.Equal(3, cluster.Spec.Replicas);
        Assert.NotEmpty(cluster.Spec.Version);
        Assert.Empty(SpecProblems.Find(cluster));
    }

    [Fact]
    public async Task Values_arrive_in_the_spec_large_numbers_too()
    {
        var cluster = await RenderAsync(
            "--set", "replicas=5,image=registry.example/raft,version=v2,storage.size=20Gi,storage.retention.whenDeleted=Delete,tls.enabled=false",
            "--set", "serverOptions.quotaBackendBytes=8589934592,serverOptions.extraFlags.max-request-bytes=2000000,podLabels.team=x",
            "--set-json", """placement={"topologySpreadConstraints":[],"tolerations":[{"key":"data","operator":"Exists"}]}""");
        Assert.Equal(5, cluster.Spec.Replicas);
        Assert.Equal(("registry.example/raft", "v2"), (cluster.Spec.Image, cluster.Spec.Version));
        Assert.Equal(("20Gi", VolumeRetentionSpec.Delete), (cluster.Spec.Storage.Size, cluster.Spec.Storage.Retention.WhenDeleted));
        Assert.Equal(8589934592, cluster.Spec.ServerOptions!.QuotaBackendBytes);
        Assert.Equal("2000000", cluster.Spec.ServerOptions.ExtraFlags!["max-request-bytes"]);
        Assert.False(cluster.Spec.Tls.Enabled);
        Assert.Empty(cluster.Spec.Placement!.TopologySpreadConstraints!);
        Assert.Equal("data", cluster.Spec.Placement.Tolerations!.Single().Key);
        Assert.Equal("x", cluster.Spec.PodLabels!["team"]);
    }

    [Theory]
    [InlineData("replicas=0")]
    [InlineData("replica=3")]
    [InlineData("storage.size=lots")]
    [InlineData("storage.retention.whenDeleted=Perhaps")]
    [InlineData("tls.enabeld=true")]
    [InlineData("nameOverride=a-name-of-more-than-forty-characters-is-too-long")]
    public async Task A_value_that_makes_no_sense_is_refused(string setting) =>
        Assert.Contains("schema", (await Assert.ThrowsAsync<InvalidOperationException>(() => RenderAsync("--set", setting))).Message, StringComparison.Ordinal);

    private static async Task<RaftCluster> RenderAsync(params string[] settings)
    {
        var text = await Helm.RunAsync(["template", "charted", Repository.Find("charts/raft-cluster"), "--namespace", "x", .. settings]);
        return KubernetesYaml.Deserialize<RaftCluster>(text);
    }
}
