using System.Globalization;
using System.Text.RegularExpressions;
using Raft.KeyValue;

namespace Raft.Server.Services;

/// <summary>The version that a downgrade is to go to: a semantic version, or its first two numbers, as etcd reads it.</summary>
internal static partial class DowngradeTarget
{
    /// <summary>Major and minor version, the rest 0: no more of it counts.</summary>
    /// <returns>The version, or why it is refused.</returns>
    public static (string Version, StoreError? Refusal) Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success || !IsNumber("major", out var major) || !IsNumber("minor", out var minor) || !IsNumber("patch", out _))
        {
            return ("", StoreError.WrongDowngradeVersion);
        }

        var version = string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}.0");
        return (version, version == ProductVersion.EtcdBefore ? null : StoreError.InvalidDowngradeTarget);

        bool IsNumber(string name, out long number)
        {
            number = 0;
            return !match.Groups[name].Success
                || long.TryParse(match.Groups[name].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        }
    }

    [GeneratedRegex(@"^(?<major>[0-9]+)\.(?<minor>[0-9]+)(\.(?<patch>[0-9]+)(-[0-9A-Za-z.-]*)?(\+[0-9A-Za-z.-]*)?)?\z")]
    private static partial Regex Pattern();
}
