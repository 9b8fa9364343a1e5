using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Auth;

/// <summary>
/// The keys that a user may read, or may write: the union of the ranges of all roles, as disjoint ranges in order. A range that is
/// asked for must lie in one of them, so it may span what several roles allow, if that leaves no gap.
/// </summary>
internal sealed class KeySet
{
    /// <summary>Ranges that neither overlap nor touch, by their first key.</summary>
    private readonly List<KeySpan> _spans = [];

    /// <param name="permissions">Those of all roles of the user.</param>
    /// <param name="kind">READ or WRITE; READWRITE counts as both.</param>
    public KeySet(IEnumerable<Permission> permissions, Permission.Types.Type kind)
    {
        var spans = permissions
            .Where(permission => permission.PermType == kind || permission.PermType == Permission.Types.Type.Readwrite)
            .Select(static permission => KeySpan.Of(permission.Key, permission.RangeEnd))
            .ToList();
        spans.Sort(static (left, right) => left.First.Span.SequenceCompareTo(right.First.Span));
        foreach (var span in spans)
        {
            if (_spans.Count > 0 && _spans[^1].TryJoin(span, out var joined)) _spans[^1] = joined;
            else _spans.Add(span);
        }
    }

    /// <summary>Are all keys of a range, by etcd's convention for range_end, in the set?</summary>
    public bool Covers(ByteString key, ByteString rangeEnd)
    {
        var at = LastNotAfter(key.Span);
        if (at < 0) return false;
        if (rangeEnd.IsEmpty) return _spans[at].Contains(key.Span);
        return rangeEnd is [0] ? _spans[at].IsOpen : _spans[at].Reaches(rangeEnd.Span);
    }

    /// <summary>The only range that can hold the key; -1: there is none.</summary>
    private int LastNotAfter(ReadOnlySpan<byte> key)
    {
        var (from, until) = (0, _spans.Count);
        while (from < until)
        {
            var middle = (from + until) / 2;
            if (_spans[middle].First.Span.SequenceCompareTo(key) <= 0) from = middle + 1;
            else until = middle;
        }
        return from - 1;
    }

    /// <summary>From the first key to the end, exclusive; an open one has no end.</summary>
    private readonly record struct KeySpan(ByteString First, ByteString? End)
    {
        public bool IsOpen => End is null;

        public static KeySpan Of(ByteString key, ByteString rangeEnd) =>
            rangeEnd.IsEmpty ? new(key, ByteString.CopyFrom([.. key.Span, 0])) : new(key, rangeEnd is [0] ? null : rangeEnd);

        public bool Contains(ReadOnlySpan<byte> key) => End is null || key.SequenceCompareTo(End.Span) < 0;

        /// <summary>Does a range end, exclusive, lie inside? Never if it does not lie after the first key: as in etcd.</summary>
        public bool Reaches(ReadOnlySpan<byte> end) =>
            First.Span.SequenceCompareTo(end) < 0 && (End is null || end.SequenceCompareTo(End.Span) <= 0);

        /// <summary>One range for two, if the second, which does not begin earlier, leaves no gap after this one.</summary>
        public bool TryJoin(KeySpan next, out KeySpan joined)
        {
            joined = this;
            if (End is null) return true;
            if (next.First.Span.SequenceCompareTo(End.Span) > 0) return false;
            if (next.End is null || next.End.Span.SequenceCompareTo(End.Span) > 0) joined = this with { End = next.End };
            return true;
        }
    }
}
