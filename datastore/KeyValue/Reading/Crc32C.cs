using System.Buffers.Binary;
using System.Numerics;

namespace Raft.KeyValue.Reading;

/// <summary>The Castagnoli checksum, by the processor's own instruction where it has one.</summary>
internal struct Crc32C
{
    private uint _register = uint.MaxValue;

    public Crc32C()
    {
    }

    public readonly uint Value => ~_register;

    public void Append(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        Append(bytes);
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            _register = BitOperations.Crc32C(_register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes) _register = BitOperations.Crc32C(_register, value);
    }
}
