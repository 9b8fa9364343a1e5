using System.Buffers.Binary;

namespace Raft.Fuzzing.Tests;

/// <summary>
/// Changes inputs, the same way for the same seed. Knows no format but two habits of ours: lengths and numbers in little
/// endian, and protobuf's wire format, whose fields it repeats, drops, swaps and nests with all lengths kept right, so that
/// mutated messages get past the parser.
/// </summary>
internal sealed class Mutator(int seed)
{
    /// <summary>Longest input, in bytes; what grows beyond it is cut.</summary>
    public const int InputBytesMax = 64 * 1024;

    private static readonly ulong[] Numbers =
    [
        0, 1, 2, 3, 7, 8, 31, 32, 127, 128, 255, 256, 511, 512, 4095, 4096, 65535, 65536, int.MaxValue, 1UL << 31, uint.MaxValue,
        1UL << 32, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    private readonly Random _random = new(seed);

    /// <summary>A number from 0 (inclusive) to the bound (exclusive), from the same seed.</summary>
    public int Below(int bound) => _random.Next(bound);

    /// <summary>One to eight changes, one on top of the other.</summary>
    public byte[] Mutate(byte[] input, IReadOnlyList<byte[]> others)
    {
        var changes = 1 << Below(4);
        for (var i = 0; i < changes; i++)
        {
            // The first byte says how a target is to take the rest: it is seldom touched.
            input = Below(3) == 0 && input.Length > 1
                ? [input[0], .. MutateMessage(input[1..], 0)]
                : MutateBytes(input, others[Below(others.Count)]);
        }

        return input.Length > InputBytesMax ? input[..InputBytesMax] : input;
    }

    private byte[] MutateBytes(byte[] input, byte[] other)
    {
        if (input.Length == 0)
            return other;
        var at = Below(input.Length);
        var count = Math.Min(1 + Below(1 << Below(10)), input.Length - at);
        var bytes = (byte[])input.Clone();
        switch (Below(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << Below(8));
                return bytes;
            case 1:
                bytes[at] = (byte)Below(256);
                return bytes;
            case 2:
                return input[..at];
            case 3:
                return [.. input[..at], .. input[(at + count)..]];
            case 4:
                return [.. input[..(at + count)], .. input[at..]];
            case 5:
                _random.NextBytes(bytes.AsSpan(at, count));
                return bytes;
            case 6:
                Array.Clear(bytes, at, count);
                return bytes;
            case 7:
                return [.. input[..at], .. other[Below(other.Length + 1)..]];
            default:
                WriteNumber(bytes.AsSpan(at));
                return bytes;
        }
    }

    private void WriteNumber(Span<byte> bytes)
    {
        var number = Numbers[Below(Numbers.Length)];
        if (bytes.Length >= 8 && Below(2) == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        else if (bytes.Length >= 4)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)number);
    }

    private byte[] MutateMessage(byte[] message, int depth)
    {
        if (WireField.TryParse(message) is not { Count: > 0 } fields)
            return MutateBytes(message, message);
        var at = Below(fields.Count);
        var field = fields[at];
        if (field.Payload is { } payload && depth < 64 && Below(4) != 0)
        {
            fields[at] = field with { Payload = MutateMessage(payload, depth + 1) };
            return WireField.Encode(fields);
        }

        switch (Below(6))
        {
            case 0:
                fields.RemoveAt(at);
                break;
            case 1:
                fields.InsertRange(at, Enumerable.Repeat(field, 1 << Below(8)));
                break;
            case 2:
                var with = Below(fields.Count);
                (fields[at], fields[with]) = (fields[with], field);
                break;
            case 3:
                fields[at] = field with { Tag = (field.Tag & 7) | ((uint)(1 + Below(20)) << 3) };
                break;
            case 4 when field.Payload is not null:
                fields[at] = field with { Payload = message };
                break;
            default:
                fields[at] = field.Payload is null ? field with { Number = Numbers[Below(Numbers.Length)] } : field with { Payload = [] };
                break;
        }

        return WireField.Encode(fields);
    }
}
