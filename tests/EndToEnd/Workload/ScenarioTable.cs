using System.Globalization;
using System.Text;

namespace Raft.EndToEnd.Tests.Workload;

/// <summary>
/// The table of all scenarios. It is written anew after each row, so that a run which ends early still leaves what it saw.
/// </summary>
internal sealed class ScenarioTable(string folder)
{
    private static readonly string[] Titles =
        ["scenario", "members", "leadership changes", "longest gap", "failed requests", "failed writes", "acknowledged", "lost", "time"];

    private readonly List<ScenarioOutcome> _rows = [];

    public void Add(ScenarioOutcome row)
    {
        _rows.Add(row);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "table.md"), Render());
        File.WriteAllText(Path.Combine(folder, "failed-requests.txt"), RenderFailures());
    }

    private string Render()
    {
        var cells = new List<string[]> { Titles };
        cells.AddRange(_rows.Select(Cells));
        var widths = Enumerable.Range(0, Titles.Length).Select(column => cells.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in cells)
        {
            text.AppendLine(Line(row, widths));
            if (row == Titles)
                text.AppendLine(Line([.. widths.Select(width => new string('-', width))], widths));
        }

        return text.ToString();
    }

    private string RenderFailures()
    {
        var text = new StringBuilder();
        foreach (var row in _rows.Where(row => row.Failures.Count > 0 || row.Contradictions.Count > 0))
        {
            text.AppendLine(row.Scenario);
            foreach (var (reason, count) in row.Failures.OrderByDescending(pair => pair.Value))
                text.AppendLine(CultureInfo.InvariantCulture, $"{count,8} x {reason}");
            foreach (var contradiction in row.Contradictions)
                text.AppendLine(CultureInfo.InvariantCulture, $"   WRONG  {contradiction}");
        }

        return text.ToString();
    }

    private static string Line(string[] cells, int[] widths) =>
        $"| {string.Join(" | ", cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))} |";

    private static string[] Cells(ScenarioOutcome row) =>
    [
        row.Scenario,
        Text(row.Members),
        Text(row.LeadershipChanges),
        $"{Text((long)row.LongestGap.TotalMilliseconds)} ms",
        Text(row.FailedRequests),
        Text(row.FailedWrites),
        Text(row.Acknowledged),
        Text(row.Lost),
        $"{Text((long)row.Duration.TotalSeconds)} s",
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
