using System.Globalization;
using System.Text;

namespace Raft.Simulation.Tests.Timeline;

/// <summary>The events of a timeline as the text of one JSON array: a letter and numbers each, so that nothing needs escaping.</summary>
internal sealed class EventBuffer
{
    private readonly StringBuilder _text = new();

    public void Add(string letter, params ReadOnlySpan<long> numbers)
    {
        _text.Append(_text.Length == 0 ? "" : ",\n").Append("[\"").Append(letter).Append('"');
        foreach (var number in numbers)
            _text.Append(CultureInfo.InvariantCulture, $",{number}");
        _text.Append(']');
    }

    public override string ToString() => $"[{_text}]";
}
