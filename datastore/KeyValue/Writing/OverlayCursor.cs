using Raft.KeyValue.Ports;
using Raft.KeyValue.Reading;

namespace Raft.KeyValue.Writing;

/// <summary>Merges a transaction's own writes, sorted, with the committed state below; its own win, its deletes hide.</summary>
internal sealed class OverlayCursor(OrderedBatch writes, int[] sorted, IForwardCursor below) : IForwardCursor
{
    private int _place;
    private bool _belowStands;
    private bool _onOwn;

    public ReadOnlySpan<byte> Key => _onOwn ? Own.Key.Span : below.Key;

    public ReadOnlySpan<byte> Value => _onOwn ? Own.Value.Span : below.Value;

    private OrderedWrite Own => writes[sorted[_place]];

    public bool SeekAtOrAfter(ReadOnlySpan<byte> key)
    {
        _belowStands = below.SeekAtOrAfter(key);
        _place = FirstOwnAtOrAfter(key);
        return Settle();
    }

    public bool MoveNext()
    {
        if (_onOwn) _place++;
        else _belowStands = below.MoveNext();
        return Settle();
    }

    public void Dispose() => below.Dispose();

    /// <summary>Picks the smaller of the two keys, passing over what is deleted or overwritten.</summary>
    private bool Settle()
    {
        while (true)
        {
            var ownStands = _place < sorted.Length;
            var order = (ownStands, _belowStands) switch
            {
                (true, true) => Own.Key.Span.SequenceCompareTo(below.Key),
                (true, false) => -1,
                _ => 1,
            };
            if (order == 0) _belowStands = below.MoveNext();
            _onOwn = ownStands && order <= 0;
            if (!_onOwn) return _belowStands;
            if (Own.Kind == OrderedWriteKind.Put) return true;
            _place++;
        }
    }

    private int FirstOwnAtOrAfter(ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (writes[sorted[middle]].Key.Span.SequenceCompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
