using System.Net;
using System.Resources;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Raft.Simulation.Tests.Timeline;

/// <summary>
/// Puts the parts of the page together, which are real files in <c>Page/</c>. The page loads nothing, and by its own content
/// security policy could not: it may be opened from a disk, mailed, or kept as the artifact of a failed build.
/// </summary>
internal static partial class TimelinePage
{
    private static readonly string[] Scripts =
    [
        "model.js", "scale.js", "theme.js", "drawing.js", "arrows.js", "marks.js", "minimap.js", "details.js", "search.js",
        "timeline.js", "controls.js",
    ];

    /// <param name="title">The title of the page; escaped here.</param>
    /// <param name="json">The recorded run; must be fit to stand inside a script element.</param>
    public static string Of(string title, string json)
    {
        var parts = new ResourceManager("Raft.Simulation.Tests.Timeline.Page", typeof(TimelinePage).Assembly);
        string Part(string name) => parts.GetString(name) ?? throw new InvalidOperationException($"{name} is not embedded");
        var script = string.Concat(Scripts.Select(Part));
        var style = Part("timeline.css");

        // One pass, so that a recorded text that looks like a placeholder stays a text.
        return Placeholder().Replace(Part("timeline.html"), match => match.Groups["name"].Value switch
        {
            "title" => WebUtility.HtmlEncode(title),
            "style" => style,
            "style-hash" => HashOf(style),
            "script" => script,
            "script-hash" => HashOf(script),
            "data" => json,
            var other => throw new InvalidOperationException($"nothing to put for {other}"),
        });
    }

    // The source expression of CSP, level 2: nothing but these very texts is run.
    private static string HashOf(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    [GeneratedRegex(@"\{\{(?<name>[a-z-]+)\}\}")]
    private static partial Regex Placeholder();
}
