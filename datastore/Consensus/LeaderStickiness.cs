namespace Raft.Consensus;

internal partial class ConsensusRules
{
    /// <summary>
    /// A member that heard from a leader within the shortest election timeout ignores who asks for votes: removed members,
    /// and such as cannot hear the leader, must not depose it (thesis, section 4.2.3). A leader that hands its place over
    /// asked for the election itself (section 3.10).
    /// </summary>
    public virtual bool ProtectsLeader(MemberId leader, int ticksSinceLeader, int electionTicks, bool transferring) =>
        !transferring && leader != MemberId.None && ticksSinceLeader < electionTicks;
}

public sealed partial class ConsensusModule
{
    private bool ProtectsLeaderFrom(Message request) =>
        _rules.ProtectsLeader(_leader, _ticksSinceLeader, _options.ElectionTicks, transferring: request.Context == 1);
}
