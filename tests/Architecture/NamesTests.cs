using System.Text.RegularExpressions;

namespace Raft.Architecture.Tests;

/// <summary>A name says what a thing is for.</summary>
public sealed partial class NamesTests
{
    [Fact]
    public void No_file_is_named_for_nothing_in_particular()
    {
        var vague = new[] { "datastore", "operator", "tests" }
            .SelectMany(Repository.Sources)
            .Select(file => Path.GetRelativePath(Repository.Root.FullName, file.FullName))
            .Where(path => Vague().IsMatch(path));

        Assert.Empty(vague);
    }

    [GeneratedRegex("(Util|Utils|Utility|Helper|Helpers|Manager|Common|Misc)(\\.cs|/)")]
    private static partial Regex Vague();
}
