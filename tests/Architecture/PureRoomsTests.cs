using System.Text.RegularExpressions;

namespace Raft.Architecture.Tests;

/// <summary>
/// What could make two runs of a pure room differ (time, chance, threads, files, the network) comes in from outside: only then
/// does a seed replay a run.
/// </summary>
public sealed partial class PureRoomsTests
{
    [Theory]
    [InlineData("datastore/Consensus")]
    [InlineData("datastore/KeyValue")]
    [InlineData("operator/Planning")]
    public void A_pure_room_brings_in_nothing_that_differs_between_two_runs(string room)
    {
        var impure =
            from file in Repository.Sources(room)
            from line in File.ReadLines(file.FullName).Select((text, index) => (text, number: index + 1))
            where !line.text.TrimStart().StartsWith("//", StringComparison.Ordinal) && Impure().IsMatch(line.text)
            select $"{file.Name}:{line.number}: {line.text.Trim()}";

        Assert.Empty(impure);
    }

    [Theory]
    [InlineData("var now = DateTime.UtcNow;")]
    [InlineData("new Random().Next()")]
    [InlineData("await Task.Delay(1);")]
    [InlineData("File.ReadAllText(path)")]
    [InlineData("using System.Net.Sockets;")]
    public void The_test_itself_sees_what_it_looks_for(string line) => Assert.Matches(Impure(), line);

    [GeneratedRegex(@"\b(DateTime(Offset)?\.(Utc)?Now|Stopwatch|Environment\.TickCount|TimeProvider|new Random\b|Random\.Shared"
        + @"|Guid\.NewGuid|RandomNumberGenerator|Thread\.|Task\.|await |Parallel\.|File\.|Directory\.|System\.IO\b|System\.Net\b|Console\.)")]
    private static partial Regex Impure();
}
