namespace Raft.KeyValue.Writing;

/// <summary>
/// Hands out small pieces of larger arrays, so that a batch of a thousand puts makes tens of objects instead of thousands.
/// Pieces are never used twice: whoever holds one keeps its array alive, nothing more.
/// </summary>
internal sealed class ByteArena
{
    private const int SmallestChunk = 512;
    private const int LargestChunk = 32 * 1024;

    private Memory<byte> _free;
    private int _chunk = SmallestChunk;

    public Memory<byte> Take(int length)
    {
        if (length > LargestChunk / 4) return new byte[length];
        if (length > _free.Length)
        {
            _chunk = Math.Min(Math.Max(_chunk * 2, length), LargestChunk);
            _free = new byte[_chunk];
        }
        var taken = _free[..length];
        _free = _free[length..];
        return taken;
    }
}
