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
        // A chart can only carry what lies in its own folder.
        yield return ($"charts/raft-operator/files/{name}", yaml);
        yield return ("charts/raft-cluster/values.schema.json", ChartValuesSchema.Of(definition));
    }

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
