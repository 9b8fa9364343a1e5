using System.Security.Cryptography;

namespace Raft.Fuzzing.Tests;

/// <summary>
/// The inputs that are kept, as files in the source tree: <c>Corpus/TARGET/real-*</c>, as the real writer makes them, and
/// <c>Corpus/TARGET/failed-*</c>, every input that ever failed.
/// </summary>
internal static class Corpus
{
    private static readonly string Root = FindRoot();

    /// <summary>All inputs of a target, in the order of their names.</summary>
    public static IReadOnlyList<(string Name, byte[] Input)> Of(IFuzzTarget target)
    {
        var folder = Path.Combine(Root, target.Name);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(file => (Path.GetFileName(file), File.ReadAllBytes(file)))]
            : [];
    }

    /// <summary>Keeps an input that failed.</summary>
    /// <returns>Its file.</returns>
    public static string Keep(IFuzzTarget target, byte[] input) =>
        Write(target, $"failed-{Convert.ToHexStringLower(SHA256.HashData(input))[..12]}", input);

    /// <summary>Writes the real inputs anew, after a format has changed.</summary>
    public static void WriteReal(IFuzzTarget target)
    {
        foreach (var (name, input) in target.RealInputs())
            Write(target, $"real-{name}", input);
    }

    private static string Write(IFuzzTarget target, string name, byte[] input)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, target.Name));
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllBytes(path, input);
        return path;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Raft.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("no Raft.sln above the tests");
        return Path.Combine(folder.FullName, "tests", "Fuzzing", "Corpus");
    }
}
