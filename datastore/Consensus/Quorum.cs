namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>Whether a member counts when a majority is sought: voters do, learners do not (thesis, section 4.2.1).</summary>
    public virtual bool CountsInQuorum(Configuration configuration, MemberId member) => configuration.Voters.Contains(member);

    /// <summary>How many of the voters decide: more than half, so that any two deciding groups share a voter.</summary>
    public virtual int QuorumOf(int voters) => (voters / 2) + 1;
}

/// <summary>Arithmetic of majorities.</summary>
internal static class Quorum
{
    /// <summary>The highest value that at least <paramref name="quorum"/> of the voters have reached; sorts the span.</summary>
    public static ulong Reached(Span<ulong> values, int quorum)
    {
        if (values.Length < quorum)
            return 0;
        values.Sort();
        return values[^quorum];
    }
}
