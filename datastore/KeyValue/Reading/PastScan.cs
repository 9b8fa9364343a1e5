using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>The past: of every key the version that its newest leads back to at the revision, if that is a pair.</summary>
internal sealed class PastScan(IStateReader reader, KeyRange range, long revision) : IPairScan
{
    private readonly VersionScan _newest = new(reader, range);

    // Of a key that has changed since; empty: the newest version is the one.
    private ReadOnlyMemory<byte> _past;

    public ReadOnlySpan<byte> Pair => StoredVersion.PairOf(_past.IsEmpty ? _newest.Version : _past.Span);

    public bool MoveNext()
    {
        while (_newest.MoveNext())
            if (StandsOnPair()) return true;
        return false;
    }

    public void Dispose() => _newest.Dispose();

    private bool StandsOnPair()
    {
        _past = default;
        var asked = ChangePosition.EndOf(revision);
        if (!StoredVersion.PositionOf(_newest.Version).IsAfter(asked)) return StoredVersion.IsLiving(_newest.Version);
        return PairLookup.TryGetAsOf(reader, _newest.Version.ToArray(), asked, out _past) && StoredVersion.IsLiving(_past.Span);
    }
}
