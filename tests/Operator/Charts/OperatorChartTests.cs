using System.Reflection;
using k8s;
using k8s.Models;
using KubeOps.Abstractions.Rbac;
using Raft.Operator.Api;
using Raft.Operator.Host.Controllers;
using Raft.Operator.Host.Tests.Kubernetes;
using Raft.Operator.Planning;

namespace Raft.Operator.Host.Tests.Charts;

public sealed class OperatorChartTests(ApiServer server)
{
    [Theory]
    [InlineData("")]
    [InlineData("watchNamespace=only")]
    public async Task The_rights_are_those_of_the_controller_and_no_others(string setting)
    {
        var objects = await RenderAsync(setting);
        var granted = objects.OfType<V1ClusterRole>().SelectMany(role => role.Rules)
            .Concat(objects.OfType<V1Role>().Where(role => !role.Metadata.Name.EndsWith("-lease", StringComparison.Ordinal)).SelectMany(role => role.Rules))
            .SelectMany(Rights);
        Assert.Equal(Needed().Order(StringComparer.Ordinal), granted.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task With_a_namespace_the_rights_end_there_but_for_nodes_and_storage_classes()
    {
        var objects = await RenderAsync("watchNamespace=only");
        Assert.Equal(
            ["nodes get", "storage.k8s.io/storageclasses get"],
            objects.OfType<V1ClusterRole>().Single().Rules.SelectMany(Rights).Order(StringComparer.Ordinal));
        Assert.Contains("--namespace=only", Pod(objects).Containers.Single().Args);
    }

    [Fact]
    public async Task The_definition_is_the_generated_one_and_stays_when_the_release_goes()
    {
        var rendered = Assert.Single((await RenderAsync(string.Empty)).OfType<V1CustomResourceDefinition>());
        Assert.Equal("keep", rendered.GetAnnotation("helm.sh/resource-policy"));
        rendered.Metadata.Annotations = null;
        var generated = KubernetesYaml.Deserialize<V1CustomResourceDefinition>(
            await File.ReadAllTextAsync(Repository.Find("crds/raftclusters.raft.io.yaml"), TestContext.Current.CancellationToken));
        Assert.Equal(KubernetesJson.Serialize((object)generated), KubernetesJson.Serialize((object)rendered));
        Assert.Empty((await RenderAsync("crds.install=false")).OfType<V1CustomResourceDefinition>());
    }

    [Fact]
    public async Task A_server_that_does_not_know_validation_rules_gets_none()
    {
        var old = await Helm.RunAsync("template", "raft-operator", Repository.Find("charts/raft-operator"), "--kube-version", "1.24.9");
        Assert.Contains("kind: CustomResourceDefinition", old, StringComparison.Ordinal);
        Assert.DoesNotContain("x-kubernetes-validations", old, StringComparison.Ordinal);
        var current = await Helm.RunAsync("template", "raft-operator", Repository.Find("charts/raft-operator"), "--kube-version", "1.25.0");
        Assert.Contains("x-kubernetes-validations", current, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pod_passes_the_restricted_standard()
    {
        var pod = Pod(await RenderAsync(string.Empty));
        var container = pod.Containers.Single();
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
    }

    [Theory]
    [InlineData("replicas=-1")]
    [InlineData("replica=2")]
    [InlineData("log.level=loud")]
    [InlineData("resync=often")]
    [InlineData("watchNamespace=Not_A_Name")]
    public async Task A_value_that_makes_no_sense_is_refused(string setting) =>
        Assert.Contains("schema", (await Assert.ThrowsAsync<InvalidOperationException>(() => RenderAsync(setting))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Its_notes_ask_for_a_cluster_that_makes_sense()
    {
        // The server has the definition already, by the hands of another release.
        var notes = await Helm.NotesAsync(server, "charts/raft-operator", "--set", "crds.install=false");
        var example = string.Join('\n', notes.Split("<<EOF\n")[1].Split("EOF")[0].Split('\n').Select(line => line.Length > 2 ? line[2..] : line));
        Assert.Empty(SpecProblems.Find(KubernetesYaml.Deserialize<RaftCluster>(example)));
        Assert.Contains("in all namespaces.", notes, StringComparison.Ordinal);
        Assert.Contains("in only.", await Helm.NotesAsync(server, "charts/raft-operator", "--set", "crds.install=false,watchNamespace=only"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("charts/raft-operator")]
    [InlineData("charts/raft-cluster")]
    public async Task Helm_finds_no_fault_with_the_charts(string chart) =>
        Assert.Contains("0 chart(s) failed", await Helm.RunAsync("lint", "--strict", Repository.Find(chart)), StringComparison.Ordinal);

    private static async Task<List<object>> RenderAsync(string setting)
    {
        string[] settings = setting.Length == 0 ? [] : ["--set", setting];
        var text = await Helm.RunAsync(["template", "raft-operator", Repository.Find("charts/raft-operator"), "--namespace", "raft-system", .. settings]);
        return KubernetesYaml.LoadAllFromString(text);
    }

    private static V1PodSpec Pod(List<object> objects) => objects.OfType<V1Deployment>().Single().Spec.Template.Spec;

    private static IEnumerable<string> Rights(V1PolicyRule rule) =>
        from @group in rule.ApiGroups from resource in rule.Resources from verb in rule.Verbs select Right(@group, resource, verb);

    private static IEnumerable<string> Needed()
    {
        var controller = typeof(RaftClusterController);
        var typed =
            from attribute in controller.GetCustomAttributes<EntityRbacAttribute>()
            from type in attribute.Entities
            let entity = type.GetCustomAttribute<KubernetesEntityAttribute>()!
            from verb in Verbs(attribute.Verbs)
            select Right(entity.Group, entity.PluralName, verb);
        var named =
            from attribute in controller.GetCustomAttributes<GenericRbacAttribute>()
            from @group in attribute.Groups
            from resource in attribute.Resources
            from verb in Verbs(attribute.Verbs)
            select Right(@group, resource, verb);
        return typed.Concat(named);
    }

    private static IEnumerable<string> Verbs(RbacVerb verbs) =>
        Enum.GetValues<RbacVerb>().Where(verb => int.IsPow2((int)verb) && verbs.HasFlag(verb)).Select(verb => verb.ToString().ToLowerInvariant());

    private static string Right(string? apiGroup, string resource, string verb) =>
        string.IsNullOrEmpty(apiGroup) ? $"{resource} {verb}" : $"{apiGroup}/{resource} {verb}";
}
