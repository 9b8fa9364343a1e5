using System.Collections;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Raft.Differential.Tests.Requests;

namespace Raft.Differential.Tests.Comparison;

/// <summary>Messages on one line, for people: what is set, bytes as text with escapes, long ones shortened, symbols by name.</summary>
internal static class MessageText
{
    private const int BytesShown = 40;

    public static string Of(IMessage message)
    {
        var text = new StringBuilder();
        Write(text, message);
        return text.ToString();
    }

    private static void Write(StringBuilder text, IMessage message)
    {
        text.Append(message.Descriptor.Name).Append('{');
        var start = text.Length;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.HasPresence && !field.Accessor.HasValue(message)) continue;
            var value = field.Accessor.GetValue(message);
            if (!field.HasPresence && IsDefault(value)) continue;
            if (text.Length > start) text.Append(' ');
            text.Append(field.Name).Append('=');
            if (value is IList list) WriteList(text, list);
            else WriteValue(text, value);
        }

        text.Append('}');
    }

    private static void WriteList(StringBuilder text, IList list)
    {
        text.Append('[');
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0) text.Append(", ");
            WriteValue(text, list[i]!);
        }

        text.Append(']');
    }

    private static void WriteValue(StringBuilder text, object value)
    {
        switch (value)
        {
            case IMessage message: Write(text, message); break;
            case ByteString bytes: WriteBytes(text, bytes); break;
            case string words: text.Append('"').Append(words).Append('"'); break;
            default: text.Append(Symbols.Text(value)); break;
        }
    }

    private static void WriteBytes(StringBuilder text, ByteString bytes)
    {
        text.Append('"');
        foreach (var value in bytes.Span[..Math.Min(bytes.Length, BytesShown)])
        {
            if (value is >= 0x20 and < 0x7f) text.Append((char)value);
            else text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        text.Append('"');
        if (bytes.Length > BytesShown) text.Append(CultureInfo.InvariantCulture, $"..{bytes.Length} bytes");
    }

    private static bool IsDefault(object value) => value switch
    {
        IList list => list.Count == 0,
        ByteString bytes => bytes.IsEmpty,
        string words => words.Length == 0,
        bool flag => !flag,
        _ => Convert.ToInt64(value is ulong number ? (number == 0 ? 0L : 1L) : value, CultureInfo.InvariantCulture) == 0,
    };
}
