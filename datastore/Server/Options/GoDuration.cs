using System.Globalization;
using System.Text.RegularExpressions;

namespace Raft.Server.Options;

/// <summary>Durations as Go writes them, since etcd takes them so: 90s, 10m, 1h30m.</summary>
internal static partial class GoDuration
{
    private static readonly Dictionary<string, double> UnitSeconds =
        new() { ["ns"] = 1e-9, ["us"] = 1e-6, ["µs"] = 1e-6, ["ms"] = 1e-3, ["s"] = 1, ["m"] = 60, ["h"] = 3600 };

    /// <returns>Null: it is none, or longer than two billion seconds.</returns>
    public static TimeSpan? TryParse(string text)
    {
        var match = Durations().Match(text);
        var seconds = match.Groups["number"].Captures
            .Zip(match.Groups["unit"].Captures)
            .Sum(part => double.Parse(part.First.ValueSpan, CultureInfo.InvariantCulture) * UnitSeconds[part.Second.Value]);
        return match.Success && seconds <= int.MaxValue ? TimeSpan.FromSeconds(seconds) : null;
    }

    [GeneratedRegex(@"^((?<number>\d+(\.\d+)?)(?<unit>ns|us|µs|ms|s|m|h))+$")]
    private static partial Regex Durations();
}
