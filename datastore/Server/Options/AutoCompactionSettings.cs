using System.Globalization;

namespace Raft.Server.Options;

/// <summary>By what it is decided which history goes (etcd: --auto-compaction-mode).</summary>
internal enum AutoCompactionMode
{
    /// <summary>By its age.</summary>
    Periodic,

    /// <summary>By the number of revisions since.</summary>
    Revision,
}

/// <summary>Which history the leader keeps when it compacts by itself (etcd: --auto-compaction-retention).</summary>
/// <param name="Mode">What counts.</param>
/// <param name="Period">In mode periodic: how old it may become. Zero: for ever.</param>
/// <param name="Revisions">In mode revision: how many revisions are kept. Zero: all.</param>
internal sealed record AutoCompactionSettings(AutoCompactionMode Mode, TimeSpan Period, long Revisions)
{
    public static readonly AutoCompactionSettings Off = new(AutoCompactionMode.Periodic, TimeSpan.Zero, 0);

    /// <summary>Shorter ones would have the leader do little else.</summary>
    private static readonly TimeSpan ShortestPeriod = TimeSpan.FromSeconds(1);

    /// <summary>As etcd reads it: a plain number is hours in one mode and revisions in the other; otherwise it is a duration.</summary>
    /// <exception cref="SettingException">It makes no sense in this mode.</exception>
    public AutoCompactionSettings Keep(string retention)
    {
        var isNumber = long.TryParse(retention, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        if (Mode == AutoCompactionMode.Revision)
        {
            return isNumber ? this with { Revisions = number } : throw new SettingException($"'{retention}' is no number of revisions");
        }

        var period = isNumber && number <= int.MaxValue / 3600 ? TimeSpan.FromHours(number) : GoDuration.TryParse(retention);
        return period is { } fits && (fits == TimeSpan.Zero || fits >= ShortestPeriod)
            ? this with { Period = fits }
            : throw new SettingException($"'{retention}' is neither a number of hours nor a duration of a second or more, such as 30m");
    }
}
