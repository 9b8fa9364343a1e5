namespace Raft.Fuzzing.Tests;

/// <summary>A field as protobuf's wire format has it: a tag, then a varint, four or eight bytes, or bytes with their length.</summary>
/// <param name="Tag">Field number times eight, plus the wire type.</param>
/// <param name="Number">The value, unless it has a payload.</param>
/// <param name="Payload">Of wire type 2: the bytes.</param>
internal sealed record WireField(uint Tag, ulong Number, byte[]? Payload)
{
    /// <summary>The fields, or null if the bytes are no message.</summary>
    public static List<WireField>? TryParse(ReadOnlySpan<byte> bytes)
    {
        var fields = new List<WireField>();
        while (!bytes.IsEmpty)
        {
            if (!TryReadVarint(ref bytes, out var tag) || tag is < 8 or > uint.MaxValue)
                return null;
            var number = 0UL;
            byte[]? payload = null;
            switch (tag & 7)
            {
                case 0 when TryReadVarint(ref bytes, out number):
                    break;
                case 1 when bytes.Length >= 8:
                    number = BitConverter.ToUInt64(bytes);
                    bytes = bytes[8..];
                    break;
                case 5 when bytes.Length >= 4:
                    number = BitConverter.ToUInt32(bytes);
                    bytes = bytes[4..];
                    break;
                case 2 when TryReadVarint(ref bytes, out var length) && length <= (ulong)bytes.Length:
                    payload = bytes[..(int)length].ToArray();
                    bytes = bytes[(int)length..];
                    break;
                default:
                    return null;
            }

            fields.Add(new((uint)tag, number, payload));
        }

        return fields;
    }

    /// <summary>The message that the fields make.</summary>
    public static byte[] Encode(IEnumerable<WireField> fields)
    {
        using var bytes = new MemoryStream();
        foreach (var (tag, number, payload) in fields)
        {
            var type = payload is not null ? 2 : tag & 7;
            WriteVarint(bytes, (tag & ~7u) | type);
            switch (type)
            {
                case 1:
                    bytes.Write(BitConverter.GetBytes(number));
                    break;
                case 5:
                    bytes.Write(BitConverter.GetBytes((uint)number));
                    break;
                case 2:
                    WriteVarint(bytes, (ulong)(payload?.Length ?? 0));
                    bytes.Write(payload);
                    break;
                default:
                    WriteVarint(bytes, number);
                    break;
            }

            if (bytes.Length > 4 * Mutator.InputBytesMax)
                break;
        }

        return bytes.ToArray();
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < Math.Min(10, bytes.Length); i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private static void WriteVarint(Stream bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.WriteByte((byte)(value | 0x80));
        bytes.WriteByte((byte)value);
    }
}
