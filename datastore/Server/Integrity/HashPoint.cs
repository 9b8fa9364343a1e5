namespace Raft.Server.Integrity;

/// <summary>What a hash is of: all that can be read from the one revision to the other.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="CompactedRevision">The oldest; -1: from the first on.</param>
internal readonly record struct HashPoint(long Revision, long CompactedRevision)
{
    /// <summary>Whether there is nothing between the two.</summary>
    public bool IsEmpty => Revision < CompactedRevision;

    /// <summary>What two members can both read, of which one may have applied, or compacted, more than the other.</summary>
    public HashPoint And(HashPoint other) =>
        new(Math.Min(Revision, other.Revision), Math.Max(CompactedRevision, other.CompactedRevision));
}
