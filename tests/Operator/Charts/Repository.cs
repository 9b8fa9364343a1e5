namespace Raft.Operator.Host.Tests;

/// <summary>Files of the repository that these tests were built in.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string Find(string path) => Path.Combine(Root, path);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Raft.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"no Raft.sln above {AppContext.BaseDirectory}");
        return folder.FullName;
    }
}
