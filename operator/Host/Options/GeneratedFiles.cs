using System.Text.Json.Nodes;
using KubeOps.Transpiler;
using Raft.Operator.Api;

namespace Raft.Operator.Host.Options;

/// <summary>Files that are generated from the entity types, by their paths in the repository.</summary>
public static class GeneratedFiles
{
    private const string Heading = "# Generated from operator/Api by `make crds`; do not edit.\n";

    /// <summary>Paths below the repository's root, and contents.</summary>
    public static IEnumerable<(string Path, string Content)> All()
    {
        var definition = CustomResourceDefinition.Of(typeof(RaftCluster));
        var name = $"{definition["metadata"]!["name"]}.yaml";
        var yaml = Heading + YamlText.Of(definition);
        yield return ($"crds/{name}", yaml);
        // A chart can only carry what lies in its own folder. Helm checks what it sends against the server's own description
        // of its types, so that a server which does not know validation rules (before 1.25) needs a definition without them.
        yield return ($"charts/raft-operator/files/{name}", yaml);
        yield return ($"charts/raft-operator/files/before-1.25/{name}", Heading + YamlText.Of(WithoutRules(definition)));
        yield return ("charts/raft-cluster/values.schema.json", ChartValuesSchema.Of(definition));
    }

    private static JsonNode WithoutRules(JsonNode node) => node switch
    {
        JsonObject fields => new JsonObject(fields
            .Where(field => field.Key != "x-kubernetes-validations")
            .Select(field => KeyValuePair.Create(field.Key, field.Value is null ? null : (JsonNode?)WithoutRules(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(item => item is null ? null : WithoutRules(item))]),
        _ => node.DeepClone(),
    };

    /// <summary>Writes them below <paramref name="repository"/>; gives the exit code.</summary>
    public static int Write(DirectoryInfo repository)
    {
        foreach (var (path, content) in All())
        {
            var file = new FileInfo(Path.Combine(repository.FullName, path));
            file.Directory!.Create();
            File.WriteAllText(file.FullName, content);
        }

        return 0;
    }
}
