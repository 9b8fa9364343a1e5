using System.Xml.Linq;

namespace Raft.Architecture.Tests;

/// <summary>The source tree that the tests read: found by walking up from the test's own binary to <c>Raft.sln</c>.</summary>
internal static class Repository
{
    public static DirectoryInfo Root { get; } = FindRoot();

    /// <summary>The projects of the product, by name: <c>datastore/*</c> and <c>operator/*</c>.</summary>
    public static IEnumerable<FileInfo> Projects() =>
        new[] { "datastore", "operator" }.SelectMany(part =>
            new DirectoryInfo(Path.Combine(Root.FullName, part)).EnumerateFiles("*.csproj", SearchOption.AllDirectories));

    /// <summary>The source files below <paramref name="folder"/>, without what a build leaves there.</summary>
    public static IEnumerable<FileInfo> Sources(string folder) =>
        new DirectoryInfo(Path.Combine(Root.FullName, folder)).EnumerateFiles("*.cs", SearchOption.AllDirectories)
            .Where(file => !IsBuilt(file.FullName));

    /// <summary>What a project names with <paramref name="element"/>: project references by project name, packages by id.</summary>
    public static IReadOnlyList<string> References(FileInfo project, string element) =>
        [.. XDocument.Load(project.FullName).Descendants(element)
            .Select(reference => (string?)reference.Attribute("Include"))
            .OfType<string>()
            .Select(name => element == "ProjectReference" ? Path.GetFileNameWithoutExtension(name.Replace('\\', '/')) : name)];

    public static string NameOf(FileInfo project) => Path.GetFileNameWithoutExtension(project.Name);

    private static bool IsBuilt(string path) =>
        path.Contains("/obj/", StringComparison.Ordinal) || path.Contains("/bin/", StringComparison.Ordinal);

    private static DirectoryInfo FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Raft.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("no Raft.sln above the tests");
        return folder;
    }
}
