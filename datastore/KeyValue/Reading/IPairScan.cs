using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>Walks the pairs of a range in key order, as they are at one revision.</summary>
internal interface IPairScan : IDisposable
{
    /// <summary>Moves to the next pair. False: there is none.</summary>
    bool MoveNext();

    /// <summary>The encoded pair; valid until the next move.</summary>
    ReadOnlySpan<byte> Pair { get; }
}

/// <summary>The present: the newest versions that are no tombstones.</summary>
internal sealed class PresentScan(IStateReader reader, KeyRange range) : IPairScan
{
    private readonly VersionScan _newest = new(reader, range);

    public ReadOnlySpan<byte> Pair => StoredVersion.PairOf(_newest.Version);

    public bool MoveNext()
    {
        while (_newest.MoveNext())
            if (StoredVersion.IsLiving(_newest.Version)) return true;
        return false;
    }

    public void Dispose() => _newest.Dispose();
}
