namespace Raft.Consensus;

/// <summary>
/// What a follower makes of the news that nothing listens any more where its leader did: the process has ended, though its
/// machine answers. The election timeout guards against taking a slow leader for a dead one; here there is nothing left to wait for.
/// The news may be wrong. Then the others still hear the leader and refuse their pre-votes (LeaderStickiness.cs), and its next
/// heartbeat sets this member right.
/// </summary>
public sealed partial class ConsensusModule
{
    /// <summary>
    /// A connection to this member was refused. If it led, this member no longer follows it, and campaigns within half an election
    /// timeout, at a random time so that followers do not split the votes.
    /// </summary>
    public void ConnectionRefused(MemberId member)
    {
        if (_role != Role.Follower || _leader != member)
            return;
        _leader = MemberId.None;
        _electionTimeoutTicks = Math.Min(
            _electionTimeoutTicks,
            _ticksSinceLeader + 1 + _options.Random(_options.ElectionTicks / 2));
    }
}
