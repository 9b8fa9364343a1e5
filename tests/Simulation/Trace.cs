using System.Globalization;
using System.Text;

namespace Raft.Simulation.Tests;

/// <summary>What happened, a line an event. Always hashed, so that two runs can be compared; kept as text only on demand.</summary>
internal sealed class Trace(bool keepsText)
{
    private readonly StringBuilder? _text = keepsText ? new StringBuilder() : null;
    private ulong _hash = 14695981039346656037;

    public string Text => _text?.ToString() ?? "";

    /// <summary>FNV-1a over every line.</summary>
    public string Hash => _hash.ToString("x16", CultureInfo.InvariantCulture);

    public void Write(long time, FormattableString line)
    {
        var text = $"{time,7} {line.ToString(CultureInfo.InvariantCulture)}";
        foreach (var character in text)
            _hash = (_hash ^ character) * 1099511628211;
        _text?.Append(text).Append('\n');
    }
}
