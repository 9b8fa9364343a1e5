using System.Globalization;
using System.Text;
using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Reports;

/// <summary>docs/benchmarks.svg: a bar a load, as long as ours serves more requests than etcd; a line where both are equal.</summary>
internal static class RatioPlot
{
    private const int LabelWidth = 250;
    private const int BarsWidth = 460;
    private const int RowHeight = 24;
    private const int Margin = 30;

    public static string Draw(Plan plan, Results results)
    {
        var bars = plan.Loads.Select(load => (load, Ratio: RatioOf(plan, results, load))).Where(static bar => bar.Ratio is not null).ToList();
        var longest = Math.Ceiling(bars.Select(static bar => bar.Ratio!.Value).DefaultIfEmpty(1).Max());
        var height = Margin + (bars.Count * RowHeight) + Margin;
        var drawing = new StringBuilder();
        void Add(FormattableString element) => drawing.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
        double At(double ratio) => LabelWidth + (BarsWidth * ratio / longest);

        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{LabelWidth + BarsWidth + 60}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Add($"<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        Add($"<text x=\"{LabelWidth}\" y=\"18\">requests a second, ours to etcd</text>");
        for (var row = 0; row < bars.Count; row++)
        {
            var (load, ratio) = (bars[row].load, bars[row].Ratio!.Value);
            var top = Margin + (row * RowHeight);
            Add($"<text x=\"{LabelWidth - 8}\" y=\"{top + 16}\" text-anchor=\"end\">{load.Title}, {load.Clients}</text>");
            Add($"<rect x=\"{LabelWidth}\" y=\"{top + 4}\" width=\"{At(ratio) - LabelWidth:0.#}\" height=\"{RowHeight - 8}\" fill=\"{(ratio >= 1 ? "#3a7d44" : "#b5532d")}\"/>");
            Add($"<text x=\"{At(ratio) + 5:0.#}\" y=\"{top + 16}\">{ratio:0.00}</text>");
        }

        for (var mark = 1; mark <= longest; mark++)
        {
            var colour = mark == 1 ? "black" : "#bbbbbb";
            Add($"<line x1=\"{At(mark):0.#}\" y1=\"{Margin}\" x2=\"{At(mark):0.#}\" y2=\"{height - Margin}\" stroke=\"{colour}\"/>");
            Add($"<text x=\"{At(mark):0.#}\" y=\"{height - 12}\" text-anchor=\"middle\">{mark}x</text>");
        }

        Add($"</svg>");
        return drawing.ToString();
    }

    private static double? RatioOf(Plan plan, Results results, Load load)
    {
        double? Rate(string name) => plan.Servers.FirstOrDefault(kind => kind.Name == name) is { } kind
            ? results.Median(kind, load, static one => one.PerSecond)
            : null;
        return Rate(ServerKind.Ours) / Rate(ServerKind.Etcd);
    }
}
