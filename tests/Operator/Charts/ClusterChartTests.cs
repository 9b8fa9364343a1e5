using k8s;
using Raft.Operator.Api;
using Raft.Operator.Host.Tests.Kubernetes;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Tests.Charts;

public sealed class ClusterChartTests(ApiServer server)
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
            "--set", "serverOptions.quotaBackendBytes=8589934592,podLabels.team=x",
            "--set-string", "serverOptions.extraFlags.max-request-bytes=2000000",
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

    [Fact]
    public async Task A_flag_given_as_a_number_is_refused_rather_than_rounded() =>
        // Helm would hand 2000000 on as 2e+06, which the server cannot read.
        Assert.Contains("Expected: string", (await Assert.ThrowsAsync<InvalidOperationException>(() =>
            RenderAsync("--set", "serverOptions.extraFlags.max-request-bytes=2000000"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("replicas=1", "with 1 member.")]
    [InlineData("tls.enabled=false", "http://charted-client.x.svc:2379")]
    [InlineData("tls.enabled=true", "Secret charted-client-tls")]
    [InlineData("storage.retention.whenDeleted=Delete", "volumes are deleted with it")]
    [InlineData("storage.retention.whenDeleted=Retain", "volumes are kept")]
    public async Task Its_notes_say_what_was_asked_for(string setting, string expected) =>
        Assert.Contains(expected, await Helm.NotesAsync(server, "charts/raft-cluster", "--set", setting), StringComparison.Ordinal);

    private static async Task<RaftCluster> RenderAsync(params string[] settings)
    {
        var text = await Helm.RunAsync(["template", "charted", Repository.Find("charts/raft-cluster"), "--namespace", "x", .. settings]);
        return KubernetesYaml.Deserialize<RaftCluster>(text);
    }
}
