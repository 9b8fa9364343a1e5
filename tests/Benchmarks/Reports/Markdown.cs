using System.Globalization;
using System.Text;
using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Reports;

/// <summary>docs/benchmarks.md.</summary>
internal static class Markdown
{
    private const string Untried = "-";

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    private static readonly List<string> DetailsHeader =
    [
        "load", "clients", "p50 ms", "p99 ms", "p99.9 ms", "server CPU µs/request", "generator CPU µs/request",
        "resident MiB", "anonymous MiB", "written bytes/request",
    ];

    public static string Write(Plan plan, Results results, IReadOnlyList<string> machine)
    {
        var text = new StringBuilder();
        text.Append("# Benchmarks\n\nWritten by `make bench`: do not edit.\n\n");
        foreach (var line in machine)
        {
            text.Append(Culture, $"- {line}\n");
        }

        var (measured, warmUp) = (plan.Measured.TotalSeconds, plan.WarmUp.TotalSeconds);
        text.Append(Culture, $"- {plan.Rounds} alternating round(s), whose medians these are; ");
        text.Append(Culture, $"{measured:0.#} s a load after {warmUp:0.#} s of warm-up\n");
        var called = plan.Target == Target.All ? "all members in turn (a single one the leader)" : "the leader";
        text.Append(Culture, $"- {plan.Keys:N0} keys, values of {KeySpace.ValueBytes} bytes; ");
        text.Append(Culture, $"clients call {called} over {Connections.PerMember} connections a member\n\n");
        text.Append("Of ratios of requests more than 1 is better for ours, of those of p99 and server CPU less than 1. ");
        text.Append("Server CPU is that of all three members.\n\n");
        text.Append("![Requests a second, ours to etcd](benchmarks.svg)\n\n");
        Table(text, ComparisonHeader(plan), plan.Loads.Select(load => ComparisonRow(plan, results, load)));
        var names = string.Join(" / ", plan.Servers.Select(static kind => kind.Name));
        text.Append(Culture, $"\nEach cell: {names}. Memory is that of the largest member at the end of the load; ");
        text.Append("anonymous is what of it is no page of a file: etcd maps its database, ours does not. ");
        text.Append("Bytes written are what reached the disk meanwhile.\n\n");
        Table(text, DetailsHeader, plan.Loads.Select(load => DetailsRow(plan, results, load)));
        text.Append('\n');
        var durable = plan.Servers.Where(static kind => kind.IsDurable).ToList();
        var moments = Enum.GetValues<Moment>().Select(moment => Row(plan, durable, results, moment));
        Table(text, ["ms", .. durable.Select(static kind => kind.Name)], moments);
        return text.ToString();
    }

    private static List<string> ComparisonHeader(Plan plan) =>
    [
        "load", "clients", .. plan.Servers.Select(static kind => $"{kind.Name}, requests/s"),
        .. Others(plan).Select(static other => $"requests/s, raft : {other.Name}"),
        .. DurableOthers(plan).SelectMany(static other => new[] { $"p99, raft : {other.Name}", $"server CPU, raft : {other.Name}" }),
    ];

    private static List<string> ComparisonRow(Plan plan, Results results, Load load)
    {
        double? Rate(ServerKind kind) => results.Median(kind, load, static one => one.PerSecond);
        string Rated(ServerKind kind) => results.Failures(kind, load) is var failed and > 0
            ? string.Create(Culture, $"{Rate(kind):N0} ({failed} failed)")
            : Rate(kind)?.ToString("N0", Culture) ?? Untried;
        string RatioTo(ServerKind other, Func<Measurement, double> value) =>
            (results.Median(plan.Servers[0], load, value) / results.Median(other, load, value))?.ToString("0.00", Culture) ?? Untried;
        return
        [
            load.Title, load.Clients.ToString(Culture), .. plan.Servers.Select(Rated),
            .. Others(plan).Select(other => RatioTo(other, static one => one.PerSecond)),
            .. DurableOthers(plan).SelectMany(other =>
                new[] { RatioTo(other, static one => one.P99Ms), RatioTo(other, static one => one.ServerCpuUs) }),
        ];
    }

    private static List<string> DetailsRow(Plan plan, Results results, Load load)
    {
        string Each(Func<Measurement, double> value, string format) => string.Join(
            " / ", plan.Servers.Select(kind => results.Median(kind, load, value)?.ToString(format, Culture) ?? Untried));
        return
        [
            load.Title, load.Clients.ToString(Culture),
            Each(static one => one.MedianMs, "0.00"), Each(static one => one.P99Ms, "0.00"), Each(static one => one.P999Ms, "0.00"),
            Each(static one => one.ServerCpuUs, "0"), Each(static one => one.GeneratorCpuUs, "0.0"),
            Each(static one => one.ResidentMiB, "0"), Each(static one => one.AnonymousMiB, "0"), Each(static one => one.WrittenBytes, "0"),
        ];
    }

    private static List<string> Row(Plan plan, List<ServerKind> durable, Results results, Moment moment) =>
    [
        moment switch
        {
            Moment.Fill => string.Create(Culture, $"writing {plan.Keys:N0} keys, 100 in a transaction, 16 transactions at once"),
            Moment.FillStall => "longest time without an acknowledgement meanwhile",
            Moment.StartEmpty => "start without data, until the first write is acknowledged",
            Moment.RestartWithData => "restart after kill -9 of all members, until the first write is acknowledged",
            _ => "kill -9 of the leader: longest time without an acknowledgement",
        },
        .. durable.Select(kind => results.MedianMs(kind, moment)?.ToString("0", Culture) ?? Untried),
    ];

    /// <summary>Whom ours is compared with.</summary>
    private static IEnumerable<ServerKind> Others(Plan plan) => plan.Servers[0].Name == ServerKind.Ours ? plan.Servers.Skip(1) : [];

    private static IEnumerable<ServerKind> DurableOthers(Plan plan) => Others(plan).Where(static other => other.IsDurable);

    private static void Table(StringBuilder text, List<string> header, IEnumerable<List<string>> rows)
    {
        var all = rows.Prepend(header).ToList();
        var widths = Enumerable.Range(0, header.Count).Select(column => all.Max(row => row[column].Length)).ToList();
        string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |\n";
        string Padded(List<string> row) =>
            Line(row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column])));
        text.Append(Padded(header));
        text.Append(Line(widths.Select(static (width, column) => column == 0 ? new string('-', width) : new string('-', width - 1) + ':')));
        foreach (var row in all.Skip(1))
        {
            text.Append(Padded(row));
        }
    }
}
